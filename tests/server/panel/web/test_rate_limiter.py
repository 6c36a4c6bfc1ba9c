from server.panel.web.rate_limiter import RateLimiter


def test_only_a_limited_number_of_events_is_allowed_at_once() -> None:
    limiter = RateLimiter(per_s=10.0, at_once=3.0, now_s=5.0)
    assert [limiter.try_acquire(5.0) for _ in range(4)] == [True, True, True, False]


def test_events_are_allowed_again_with_time() -> None:
    limiter = RateLimiter(per_s=10.0, at_once=3.0, now_s=0.0)
    for _ in range(3):
        limiter.try_acquire(0.0)
    assert [limiter.try_acquire(0.1), limiter.try_acquire(0.1)] == [True, False]


def test_a_long_pause_allows_no_more_than_at_once() -> None:
    limiter = RateLimiter(per_s=10.0, at_once=2.0, now_s=0.0)
    assert [limiter.try_acquire(3600.0) for _ in range(3)] == [True, True, False]
