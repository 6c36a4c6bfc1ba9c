ardour {
    ["type"] = "EditorAction",
    name = "Trading Fours",
    license = "MIT",
    author = "Trading Fours contributors",
    description = [[Adds two MIDI tracks, routed to the partner and from it, and sends it the clock. Start "fours jam" first.]]
}

-- Written by `fours setup ardour`. A second run connects the tracks that are there, and adds none.

-- With this function Ardour also offers the script as a template for a new session.
function session_setup() return true end

function factory() return function()
    local partner_hears = @MIDI_IN@
    local partner_plays = @MIDI_OUT@
    local to_track, from_track = @TO_TRACK@, @FROM_TRACK@
    local tempo_bpm = @TEMPO_BPM@
    local synth = "https://community.ardour.org/node/7596" -- Ardour's own "reasonable synth"
    local midi = ARDOUR.DataType("midi")

    local engine = Session:engine()

    local function ports(flags)
        local _, found = engine:get_backend_ports("", midi, flags, C.StringVector())
        return found[4]:iter()
    end

    -- The MIDI system puts other names before that of the port, and ALSA also some after it.
    local function find_port(wanted, flags)
        for name in ports(flags) do
            if name:find(wanted, 1, true) then return name end
        end
        return nil
    end

    -- Returns the track, and whether it is new.
    local function find_or_add_track(name)
        local route = Session:route_by_name(name)
        if not route:isnil() then return route, false end
        local one = ARDOUR.ChanCount(midi, 1)
        Session:new_midi_track(
            one, one, true, ARDOUR.PluginInfo(), nil, nil, 1, name,
            ARDOUR.PresentationInfo.max_order, ARDOUR.TrackMode.Normal, true
        )
        return Session:route_by_name(name), true
    end

    local function connect(port, other)
        if not port:connected_to(other) then port:connect(other) end
    end

    local function pass_through(route)
        route:to_track():monitoring_control():set_value(ARDOUR.MonitorChoice.MonitorInput, PBD.GroupControlDisposition.NoGroup)
    end

    local hears = find_port(partner_hears, ARDOUR.PortFlags.IsInput)
    local plays = find_port(partner_plays, ARDOUR.PortFlags.IsOutput)
    if not hears or not plays then
        local sentence = 'There is no port "' .. (hears and partner_plays or partner_hears) .. '" here. Start "fours jam", and run this again.'
        if LuaDialog then
            LuaDialog.Message("Trading Fours", sentence, LuaDialog.MessageType.Info, LuaDialog.ButtonType.Close):run()
        else
            error(sentence)
        end
        return
    end
    local to_partner = find_or_add_track(to_track)
    local from_partner, is_new = find_or_add_track(from_track)
    for keyboard in ports(ARDOUR.PortFlags.IsOutput | ARDOUR.PortFlags.IsPhysical) do
        connect(to_partner:input():nth(0), keyboard)
    end
    connect(to_partner:output():nth(0), hears)
    connect(from_partner:input():nth(0), plays)
    pass_through(to_partner)
    pass_through(from_partner)
    from_partner:to_track():rec_enable_control():set_value(1, PBD.GroupControlDisposition.NoGroup)
    if is_new then
        local instrument = ARDOUR.LuaAPI.new_plugin(Session, synth, ARDOUR.PluginType.LV2, "")
        if not instrument:isnil() then from_partner:add_processor_by_index(instrument, 0, nil, true) end
    end
    ARDOUR.config():set_send_midi_clock(true)
    local clock = find_port("MIDI Clock out", ARDOUR.PortFlags.IsOutput)
    if clock then engine:connect(clock, hears) end
    if tempo_bpm then
        local map = Temporal.TempoMap.fetch_writable()
        map:set_tempo(Temporal.Tempo(tempo_bpm, tempo_bpm, 4), Temporal.timepos_t(0))
        Temporal.TempoMap.update(map)
    end
end end
