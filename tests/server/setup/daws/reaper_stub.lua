-- A table `reaper` that stands for REAPER: it has two devices each way, keeps tracks, and prints each call that changes something.
local tracks, config = {}, {midiouts_clock = "1"}
local outputs = {[0] = "Synth", [1] = "Trading Fours:Trading Fours In"}
local inputs = {[0] = "Keyboard", [1] = "Trading Fours:Trading Fours Out"}
if arg[2] == "no ports" then outputs, inputs = {}, {} end

local function count(list)
    local size = 0
    for _ in pairs(list) do size = size + 1 end
    return size
end

local function say(...)
    local words = {}
    for _, word in ipairs({...}) do words[#words + 1] = tostring(word) end
    print(table.concat(words, " "))
end

reaper = {
    GetNumMIDIOutputs = function() return count(outputs) end,
    GetMIDIOutputName = function(index) return outputs[index] ~= nil, outputs[index] or "" end,
    GetNumMIDIInputs = function() return count(inputs) end,
    GetMIDIInputName = function(index) return inputs[index] ~= nil, inputs[index] or "" end,
    CountTracks = function() return #tracks end,
    InsertTrackAtIndex = function(index) table.insert(tracks, index + 1, {name = ""}) say("insert", index) end,
    GetTrack = function(_, index) return tracks[index + 1] end,
    GetSetMediaTrackInfo_String = function(track, key, value, is_set)
        assert(key == "P_NAME")
        if is_set then track.name = value say("name", value) end
        return true, track.name
    end,
    SetMediaTrackInfo_Value = function(track, key, value) say(track.name .. ":", key, value) end,
    TrackFX_GetCount = function(track) return track.effects or 0 end,
    TrackFX_AddByName = function(track, name) track.effects = (track.effects or 0) + 1 say(track.name .. ":", "effect", name) return 0 end,
    get_config_var_string = function(name) return config[name] ~= nil, config[name] or "" end,
    set_config_var_string = function(name, value) config[name] = value say("config", name, value) end,
    midi_reinit = function() say("midi_reinit") end,
    SetTempoTimeSigMarker = function(...) say("tempo", select(6, ...)) end,
    ShowMessageBox = function(text) say("message", text) end,
    Undo_BeginBlock = function() end,
    Undo_EndBlock = function() end,
    TrackList_AdjustWindows = function() end,
}
dofile(arg[1])
print("--- again")
dofile(arg[1])
