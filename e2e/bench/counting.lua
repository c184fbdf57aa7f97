-- As routing.lua, and counts requests by route, arm and status. Envoy's route names tell both route and arm, for example
-- "route-7_canary". The counts of a worker lie in its own Lua state; GET /_counts tells those of the worker that answers.
local bit = require("bit")

local counts = {}

local function canary_takes(user)
  local hash = 2166136261
  for index = 1, #user do
    hash = bit.tobit(bit.bxor(hash, string.byte(user, index)) * 16777619)
  end
  return hash % 100 < 10
end

local function tell(handle)
  local lines = {}
  for route, statuses in pairs(counts) do
    for status, requests in pairs(statuses) do
      lines[#lines + 1] = route .. " " .. status .. " " .. requests
    end
  end
  handle:respond({ [":status"] = "200" }, table.concat(lines, "\n"))
end

function envoy_on_request(handle)
  local headers = handle:headers()
  if headers:get(":path") == "/_counts" then
    return tell(handle)
  end
  local user = headers:get("x-user-id")
  if user and canary_takes(user) then
    headers:replace("x-serin-arm", "canary")
  end
end

function envoy_on_response(handle)
  local route = handle:streamInfo():routeName()
  local status = handle:headers():get(":status")
  local statuses = counts[route]
  if not statuses then
    statuses = {}
    counts[route] = statuses
  end
  statuses[status] = (statuses[status] or 0) + 1
end
