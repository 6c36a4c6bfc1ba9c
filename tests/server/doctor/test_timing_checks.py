from server.doctor.timing_checks import WakeUps, judge_wake_ups

LATE_ONCE_IN_TWENTY = [0.0001] * 95 + [0.004] * 5


def test_wake_ups_within_the_time_to_spare_are_on_time() -> None:
    (finding,) = judge_wake_ups(WakeUps([0.0001] * 100, 0.001, is_realtime=True), "linux")
    assert (finding.state, finding.remedy) == ("ok", "")
    assert finding.figures["wake_up_p99_ms"] == 0.1
    assert "with real-time priority" in finding.what


def test_a_port_that_schedules_takes_lateness_that_another_does_not() -> None:
    assert judge_wake_ups(WakeUps(LATE_ONCE_IN_TWENTY, 0.004, is_realtime=False))[0].state == "ok"
    (finding,) = judge_wake_ups(WakeUps(LATE_ONCE_IN_TWENTY, 0.001, is_realtime=False), "linux")
    assert finding.state == "warning"
    assert "few will hear" in finding.what


def test_the_verdict_on_a_machine_that_is_far_too_late_is_that_it_is_heard() -> None:
    (finding,) = judge_wake_ups(WakeUps([0.02] * 100, 0.001, is_realtime=True), "linux")
    assert "heard as late" in finding.what


def test_real_time_priority_is_proposed_only_where_it_is_to_be_had() -> None:
    late = [0.02] * 100
    assert "usermod -aG audio" in judge_wake_ups(WakeUps(late, 0.001, is_realtime=False), "linux")[0].remedy
    for is_realtime, platform in ((True, "linux"), (None, "darwin"), (None, "win32")):
        assert "usermod" not in judge_wake_ups(WakeUps(late, 0.001, is_realtime), platform)[0].remedy
