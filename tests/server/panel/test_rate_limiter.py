from server.panel.rate_limiter import RateLimiter


def test_so_many_at_once_and_no_more() -> None:
    allowance = RateLimiter(per_s=10.0, at_once=3.0, now_s=5.0)
    assert [allowance.try_acquire(5.0) for _ in range(4)] == [True, True, True, False]


def test_it_fills_again_with_time() -> None:
    allowance = RateLimiter(per_s=10.0, at_once=3.0, now_s=0.0)
    for _ in range(3):
        allowance.try_acquire(0.0)
    assert [allowance.try_acquire(0.1), allowance.try_acquire(0.1)] == [True, False]


def test_it_holds_no_more_than_is_allowed_at_once() -> None:
    allowance = RateLimiter(per_s=10.0, at_once=2.0, now_s=0.0)
    assert [allowance.try_acquire(3600.0) for _ in range(3)] == [True, True, False]
