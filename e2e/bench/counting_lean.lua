-- The leanest way known to do what counting.lua does: Envoy's route names tell both route and arm, for example
-- "route-7_canary", so nothing has to be carried from the request to the response. It needs a named route for each arm, and
-- cannot count by anything that is not a route of Envoy.
local bit = require("bit")

local function canary_takes(user)
  local hash = 2166136261
  for index = 1, #user do
    hash = bit.tobit(bit.bxor(hash, string.byte(user, index)) * 16777619)
  end
  return hash % 100 < 10
end

function envoy_on_request(handle)
  local headers = handle:headers()
  local user = headers:get("x-user-id")
  if user and canary_takes(user) then
    headers:replace("x-serin-arm", "canary")
  end
end

function envoy_on_response(handle)
  local route = handle:streamInfo():routeName()
  local status = handle:headers():get(":status")
  handle:stats():counter("rollout_requests." .. route .. "." .. status):inc()
end
