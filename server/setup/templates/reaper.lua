-- Trading Fours in REAPER: two tracks, routed to the partner and from it. Written by `fours setup reaper`.
--
-- Run it once in a project: from a terminal with REAPER open, or by Actions, Show action list, New action, Load ReaScript.
-- A second run changes the tracks that are there, and adds none.

local PARTNER_HEARS = @MIDI_IN@ -- the port that the partner listens to
local PARTNER_PLAYS = @MIDI_OUT@ -- the port that the partner plays to
local TO_TRACK = @TO_TRACK@
local FROM_TRACK = @FROM_TRACK@
local TEMPO_BPM = @TEMPO_BPM@
local SYNTH = "ReaSynth"

local ALL_CHANNELS, ALL_INPUTS, MIDI_RECORDING, CHANNELS_BITS = 0, 63, 4096, 5

-- The number of the port with `wanted` in its name, or nil.
local function find_port(count, name_of, wanted)
    for index = 0, count - 1 do
        local is_there, name = name_of(index, "")
        if is_there and name:find(wanted, 1, true) then return index end
    end
    return nil
end

local function find_or_add_track(wanted)
    for index = 0, reaper.CountTracks(0) - 1 do
        local track = reaper.GetTrack(0, index)
        local _, name = reaper.GetSetMediaTrackInfo_String(track, "P_NAME", "", false)
        if name == wanted then return track end
    end
    local index = reaper.CountTracks(0)
    reaper.InsertTrackAtIndex(index, true)
    local track = reaper.GetTrack(0, index)
    reaper.GetSetMediaTrackInfo_String(track, "P_NAME", wanted, true)
    return track
end

-- Arms a track for MIDI of one input device, monitored: what comes in is heard at once.
local function listen_to(track, device)
    reaper.SetMediaTrackInfo_Value(track, "I_RECINPUT", MIDI_RECORDING + (device << CHANNELS_BITS) + ALL_CHANNELS)
    reaper.SetMediaTrackInfo_Value(track, "I_RECARM", 1)
    reaper.SetMediaTrackInfo_Value(track, "I_RECMON", 1)
end

-- REAPER keeps the outputs that get its clock as the bits of one number. Returns whether it is on now.
local function send_clock_to(device)
    if not (reaper.get_config_var_string and reaper.set_config_var_string) then return false end
    local is_known, text = reaper.get_config_var_string("midiouts_clock")
    local mask = is_known and math.tointeger(tonumber(text)) or nil
    if not mask then return false end
    if mask & (1 << device) == 0 then
        reaper.set_config_var_string("midiouts_clock", tostring(mask | (1 << device)))
        if reaper.midi_reinit then reaper.midi_reinit() end
    end
    return true
end

local function main()
    local output = find_port(reaper.GetNumMIDIOutputs(), reaper.GetMIDIOutputName, PARTNER_HEARS)
    local input = find_port(reaper.GetNumMIDIInputs(), reaper.GetMIDIInputName, PARTNER_PLAYS)
    if not output or not input then
        local missing = not output and PARTNER_HEARS or PARTNER_PLAYS
        reaper.ShowMessageBox(
            'There is no port "' .. missing .. '" here. Start "fours jam", enable its two ports in Preferences, MIDI Devices, and run this again.',
            "Trading Fours", 0
        )
        return
    end
    reaper.Undo_BeginBlock()
    local to_partner = find_or_add_track(TO_TRACK)
    listen_to(to_partner, ALL_INPUTS)
    reaper.SetMediaTrackInfo_Value(to_partner, "I_MIDIHWOUT", (output << CHANNELS_BITS) + ALL_CHANNELS)
    local from_partner = find_or_add_track(FROM_TRACK)
    listen_to(from_partner, input)
    -- REAPER's own synth, so that the partner is heard at once.
    if reaper.TrackFX_GetCount(from_partner) == 0 then reaper.TrackFX_AddByName(from_partner, SYNTH, false, 1) end
    if TEMPO_BPM then reaper.SetTempoTimeSigMarker(0, -1, 0, -1, -1, TEMPO_BPM, 0, 0, false) end
    reaper.Undo_EndBlock("Trading Fours: two tracks", -1)
    reaper.TrackList_AdjustWindows(false)
    if not send_clock_to(output) then
        reaper.ShowMessageBox(
            'The tracks are there. So that the partner follows the song, tick "Send clock/SPP to this device" for "' .. PARTNER_HEARS .. '" in Preferences, MIDI Devices.',
            "Trading Fours", 0
        )
    end
end

main()
