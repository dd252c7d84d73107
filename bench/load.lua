-- Sends unique orders for some seconds, then waits for the last answers: so that every order that was sent is
-- known by its id, and can be looked for in the book.
--
--   wrk -s load.lua URL -- orders NAME SECONDS CUSTOMERS TOKEN...   the Lua below makes the bodies; each program's token in turn
--   wrk -s load.lua URL -- hooks NAME SECONDS FILE                  thread n sends the lines of FILE.n
--   wrk -s load.lua URL -- balances NAME SECONDS CUSTOMERS QUERY    reads, signed by QUERY
--
-- Thread n's order ids are NAME-n-1, NAME-n-2 and so on. `done` prints one line of JSON.

local ffi = require("ffi")
ffi.cdef([[
    typedef struct { long seconds; long nanoseconds; } moment;
    int clock_gettime(int clock, moment *at);
]])

local FOREVER_MS = 3600 * 1000

local at = ffi.new("moment")

local function now()
    ffi.C.clock_gettime(0, at)
    return tonumber(at.seconds) + tonumber(at.nanoseconds) * 1e-9
end

local threads = {}

function setup(thread)
    threads[#threads + 1] = thread
    thread:set("number", #threads)
end

-- Read by `done`, so they are globals of each thread.
sent = 0
ran_out = 0

local makers = {}
local make, ends, seconds
local headers = { ["Content-Type"] = "application/json" }
local rehearsed = true

function init(args)
    seconds = tonumber(args[3])
    make = makers[args[1]](args)
    rehearsed = number ~= 1 -- wrk calls the first thread's `request` once, and doesn't send what it gets
end

function makers.orders(args)
    local name, customers = args[2], tonumber(args[4])
    local seed = number
    for byte in name:gmatch(".") do seed = seed * 31 + byte:byte() end
    math.randomseed(seed)
    local tokens = {}
    for n = 5, #args do tokens[n - 4] = "Bearer " .. args[n] end
    local date = os.date("!%Y-%m-%dT%H:%M:%SZ")
    local form = '{"merchant_id":"%s-%d-%d","merchant_number":"#%d","customer_id":"c%d",'
        .. '"customer_email":"c%d@shop.example","guest":false,"total":"%d.%02d","total_shipping":"4.95",'
        .. '"payment_status":"paid","date":"%s","discount_codes":[{"code":"WELCOME","amount":"2.50"}],'
        .. '"ip_address":"203.0.113.%d","user_agent":"Mozilla/5.0 (X11; Linux x86_64) Firefox/145.0"}'
    return function(count)
        headers["Authorization"] = tokens[count % #tokens + 1]
        local customer = math.random(customers)
        local body = form:format(name, number, count, count, customer, customer,
            math.random(10, 199), math.random(0, 99), date, math.random(254))
        return wrk.format("POST", "/v2/orders", headers, body)
    end
end

function makers.balances(args)
    local customers, query = tonumber(args[4]), args[5]
    math.randomseed(number)
    return function()
        return wrk.format("GET", "/api/custom/customer/c" .. math.random(customers) .. "/point-balance?" .. query)
    end
end

function makers.hooks(args)
    local lines = io.lines(args[4] .. "." .. number)
    return function()
        local body = lines()
        if body == nil then
            ran_out = ran_out + 1
            return wrk.format("GET", "/healthz")
        end
        return wrk.format("POST", "/integrations/webhooks/common/orders-completed", headers, body)
    end
end

function request()
    if not rehearsed then
        rehearsed = true
        return wrk.format("GET", "/healthz")
    end
    sent = sent + 1
    return make(sent)
end

-- Asked before each request. When the time is over a connection falls silent, once its answer has come.
function delay()
    ends = ends or now() + seconds
    if ran_out == 0 and now() < ends then return 0 end
    return FOREVER_MS
end

function done(summary, latency)
    local counts, out = {}, 0
    for n, thread in ipairs(threads) do
        counts[n] = thread:get("sent")
        out = out + thread:get("ran_out")
    end
    local errors = summary.errors
    io.write(string.format(
        '{"sent": [%s], "answered": %d, "refused": %d, "broken": %d, "ran_out": %d, '
            .. '"p50_us": %d, "p99_us": %d, "longest_us": %d}\n',
        table.concat(counts, ", "), summary.requests, errors.status, errors.connect + errors.read + errors.write,
        out, latency:percentile(50), latency:percentile(99), latency.max))
end
