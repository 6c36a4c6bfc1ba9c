-- Runs an action script twice in a new session of Ardour, with Ardour's own engine, and prints what is there. The script
-- and a folder are in the environment, as `luasession` passes no arguments on. Where the script has our ports, Ardour's own MMC ports stand for them.
local script_file, folder = os.getenv("SCRIPT"), os.getenv("FOLDER")
AudioEngine:set_backend("None (Dummy)", "test", "")
assert(AudioEngine:start() == 0)
ARDOUR.config():set_input_auto_connect(0)
local session = create_session(folder, "test", 48000)
local text = io.open(script_file):read("a"):gsub("Trading Fours In", "MMC in"):gsub("Trading Fours Out", "MMC out")
local around = setmetatable({ardour = function() end, Session = session}, {__index = _G})
assert(load(text, "script", "t", around))()
for _ = 1, 2 do around.factory()() end

-- Ardour sets a control in its own time.
local function becomes_one(control)
    for _ = 1, 100 do
        if control:get_value() == 1 then return "on" end
        ARDOUR.LuaAPI.usleep(20000)
    end
    return "off"
end

for route in session:get_tracks():iter() do
    local track, plugin = route:to_track(), route:nth_plugin(0)
    print(table.concat({
        "TRACK", route:name(), becomes_one(track:rec_enable_control()), becomes_one(track:monitoring_control()),
        tostring(route:input():nth(0):connected_to("test:MMC out")), tostring(route:output():nth(0):connected_to("test:MMC in")),
        plugin:isnil() and "-" or plugin:display_name()
    }, "|"))
end
print("CLOCK|" .. tostring(ARDOUR.config():get_send_midi_clock()))
session, around = nil, nil
collectgarbage()
close_session()
quit()
