-- As routing.lua, and counts requests by route, arm and status in Envoy's own counters, from where any collector reads them.
-- Route and arm are carried from the request to the response in dynamic metadata, the documented way, in one value.
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
  local arm = "baseline"
  if user and canary_takes(user) then
    arm = "canary"
    headers:replace("x-serin-arm", arm)
  end
  local route = string.match(headers:get(":path"), "^/([^/?]+)") or "root"
  handle:streamInfo():dynamicMetadata():set("rollout", "key", route .. "." .. arm)
end

function envoy_on_response(handle)
  local seen = handle:streamInfo():dynamicMetadata():get("rollout")
  local status = handle:headers():get(":status")
  if seen then
    handle:stats():counter("rollout_requests." .. seen["key"] .. "." .. status):inc()
  end
end
