<?php
// The partial refund of the vendor's guide, sent the way that the guide sends it. HOST, KEY and SECRET are put in by the test.

$members = [
    'id' => '100001',
    'transactions' => [(object) ['amount' => '15.99']],
    'key' => 'KEY',
];

ksort($members);
$members['hmac'] = base64_encode(hash_hmac('sha256', json_encode($members), 'SECRET', true));

$curl = curl_init();
curl_setopt_array($curl, [
    CURLOPT_URL => 'HOST/integrations/webhooks/common/refunds-create',
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
