-- wrk's part of ./weir bench python_stack: posts JSON bodies in turn and prints a line of numbers.
--
--   wrk --script post.lua URL -- BODIES_FILE ADDRESS...
--
-- BODIES_FILE has a body on each line. Each thread posts to URL's path at one of the addresses
-- (127.0.0.1:8000), in turn, so that the workers of a service get equally many connections.

local threads = 0

function setup(thread)
  thread:set("number", threads)
  threads = threads + 1
end

function init(args)
  local address = args[2 + number % (#args - 1)]
  local host, port = address:match("^(.*):(%d+)$")
  wrk.thread.addr = wrk.lookup(host, port)[1]
  wrk.headers["Host"] = address
  wrk.headers["Content-Type"] = "application/json"
  requests = {}
  for body in io.lines(args[1]) do
    requests[#requests + 1] = wrk.format("POST", nil, nil, body)
  end
  -- Threads begin at different bodies.
  next_request = number * 97
end

function request()
  next_request = next_request + 1
  return requests[next_request % #requests + 1]
end

function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    "RESULT answers=%d microseconds=%d refused=%d broken=%d p50_us=%d p99_us=%d\n",
    summary.requests, summary.duration, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50), latency:percentile(99)))
end
