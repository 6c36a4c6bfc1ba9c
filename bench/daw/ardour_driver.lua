-- Runs Lua from stdin inside Ardour's `luasession`, and prints each result between two lines that nothing else prints.
--
-- A command is the lines up to one that holds "--run". The answer is "<<<ok" or "<<<error", the result, and ">>>".
-- `session` is the session that is open.

local MIDI = ARDOUR.DataType("midi")

function start_engine(backend)
    AudioEngine:set_backend(backend, "ardour", "")
    if AudioEngine:start() ~= 0 then error(backend .. " did not start: " .. AudioEngine:get_last_backend_error()) end
    -- Nothing is connected by itself: what hears what is a matter of the test.
    ARDOUR.config():set_input_auto_connect(0)
    ARDOUR.config():set_output_auto_connect(0)
    ARDOUR.config():set_send_midi_clock(true)
end

-- Not `new_session`: Ardour calls a function of that name itself.
function make_session(folder, name, sample_rate)
    session = create_session(folder, name, sample_rate)
    if not session then error("no new session in " .. folder) end
end

function open_session(folder, name)
    session = load_session(folder, name)
    if not session then error("the session in " .. folder .. " does not open") end
end

function leave_session()
    session = nil
    collectgarbage()
    close_session()
end

function add_midi_track(name)
    local one = ARDOUR.ChanCount(MIDI, 1)
    session:new_midi_track(
        one, one, true, ARDOUR.PluginInfo(), nil, nil, 1, name,
        ARDOUR.PresentationInfo.max_order, ARDOUR.TrackMode.Normal, true
    )
end

function track(name)
    local route = session:route_by_name(name)
    if route:isnil() then error("there is no track " .. name) end
    return route:to_track():to_midi_track()
end

function arm(name, is_armed)
    track(name):rec_enable_control():set_value(is_armed and 1 or 0, PBD.GroupControlDisposition.NoGroup)
end

function roll() session:request_roll(ARDOUR.TransportRequestSource.TRS_UI) end

function stop() session:request_stop(false, false, ARDOUR.TransportRequestSource.TRS_UI) end

-- `rolls` says what the transport does once it is there.
function locate(sample, rolls)
    local after = rolls and ARDOUR.LocateTransportDisposition.MustRoll or ARDOUR.LocateTransportDisposition.MustStop
    session:request_locate(sample, false, after, ARDOUR.TransportRequestSource.TRS_UI)
end

-- Plays the session's loop range.
function loop(is_on) session:request_play_loop(is_on, is_on) end

-- Sets the tempo from a quarter note of the session on.
function set_tempo(bpm, quarter)
    local map = Temporal.TempoMap.fetch_writable()
    map:set_tempo(Temporal.Tempo(bpm, bpm, 4), Temporal.timepos_t.from_ticks(quarter * Temporal.ticks_per_beat))
    Temporal.TempoMap.update(map)
end

-- Removes all regions of a track.
function clear(name)
    local playlist, regions = track(name):playlist(), {}
    for region in playlist:region_list():iter() do regions[#regions + 1] = region end
    for _, region in ipairs(regions) do playlist:remove_region(region) end
end

local function quarters(beats)
    local whole, ticks = beats:str():match("^(-?%d+):(%d+)$")
    return tonumber(whole) + tonumber(ticks) / Temporal.ticks_per_beat
end

-- One line for each note of the track's regions: sample, quarter note, length in quarter notes, pitch, velocity, channel.
function notes(name)
    local map, lines = Temporal.TempoMap.read(), {}
    for region in track(name):playlist():region_list():iter() do
        local midi = region:to_midiregion()
        local offset = region:position():beats() - region:start():beats()
        for note in ARDOUR.LuaAPI.note_list(midi:midi_source(0):model()):iter() do
            local at = offset + note:time()
            lines[#lines + 1] = string.format(
                "%d %.9f %.9f %d %d %d",
                map:sample_at_beats(at), quarters(at), quarters(note:length()), note:note(), note:velocity(), note:channel()
            )
        end
    end
    return table.concat(lines, "\n")
end

io.stdout:setvbuf("no")
local lines = {}
for line in io.lines() do
    if line == "--run" then
        local chunk, mistake = load(table.concat(lines, "\n"))
        local ok, result = false, mistake
        if chunk then ok, result = pcall(chunk) end
        print("<<<" .. (ok and "ok" or "error"))
        print(tostring(result))
        print(">>>")
        lines = {}
    else
        lines[#lines + 1] = line
    end
end
if session then leave_session() end
quit()
