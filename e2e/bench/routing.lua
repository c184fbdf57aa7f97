-- Sticky canary routing by user id, as an operator would write it: the canary takes 10 % of the users.
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
