<?php
// The order of the vendor's guide, step 4, sent the way that the guide sends it. HOST, KEY and SECRET are put in by the test.

$anna = [
    'id' => '001',
    'email' => 'anna@example.com',
    'first_name' => 'Anna',
    'last_name' => 'Müller',
    'birthday' => '1970-01-01',
    'default_address' => (object) ['zip' => '11111', 'country' => 'USA'],
];

$members = [
    'id' => '100001',
    'total_price' => '39.99',
    'total_tax' => '0.00',
    'total_discounts' => '10.00',
    'subtotal_price' => '29.99',
    'taxes_included' => '0',
    'discount_codes' => [(object) ['code' => 'COUPON_CODE']],
    'customer' => $anna,
    'key' => 'KEY',
];

ksort($members);
$members['hmac'] = base64_encode(hash_hmac('sha256', json_encode($members), 'SECRET', true));

$curl = curl_init();
curl_setopt_array($curl, [
    CURLOPT_URL => 'HOST/integrations/webhooks/common/orders-completed',
    CURLOPT_RETURNTRANSFER => true,
    CURLOPT_HEADER => true,
    CURLOPT_ENCODING => '',
    CURLOPT_MAXREDIRS => 10,
    CURLOPT_TIMEOUT => 0,
    CURLOPT_FOLLOWLOCATION => true,
    CURLOPT_HTTP_VERSION => CURL_HTTP_VERSION_1_1,
    CURLOPT_CUSTOMREQUEST => 'POST',
    CURLOPT_POSTFIELDS => json_encode($members),
    CURLOPT_HTTPHEADER => ['Content-Type: application/json'],
]);
$response = curl_exec($curl);
curl_close($curl);
echo $response;
