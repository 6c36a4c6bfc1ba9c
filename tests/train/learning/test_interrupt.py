import signal
import threading

import pytest

from train.learning.interrupt import Interrupt, deferred_interrupts


class TestDeferredInterrupts:
    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_the_block_is_finished_first(self, number: signal.Signals) -> None:
        done = []
        with pytest.raises(KeyboardInterrupt), deferred_interrupts() as interrupt:  # noqa: PT012  the moment counts
            assert not interrupt.requested
            signal.raise_signal(number)
            done.append(interrupt.requested)
        assert done == [True]

    def test_a_second_one_is_raised_at_once(self) -> None:
        with pytest.raises(KeyboardInterrupt), deferred_interrupts():  # noqa: PT012  the moment counts
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
            pytest.fail("it went on")

    def test_a_second_one_can_be_deferred_too(self) -> None:
        done = []
        with pytest.raises(KeyboardInterrupt), deferred_interrupts(second_at_once=False):  # noqa: PT012  as above
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
            done.append("saved")
        assert done == ["saved"]

    def test_afterwards_the_handlers_are_restored(self) -> None:
        before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
        with deferred_interrupts():
            assert signal.getsignal(signal.SIGINT) != before[0]
        assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before

    def test_without_a_signal_nothing_is_raised(self) -> None:
        with deferred_interrupts() as interrupt:
            pass
        assert interrupt == Interrupt(requested=False)

    def test_an_error_in_the_block_takes_precedence(self) -> None:
        with pytest.raises(ValueError, match="first"), deferred_interrupts() as interrupt:  # noqa: PT012  both happen
            interrupt.requested = True
            raise ValueError("first")

    def test_another_thread_may_use_it_without_signals(self) -> None:
        seen = []

        def work() -> None:
            with deferred_interrupts() as interrupt:
                seen.append(interrupt.requested)

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        assert seen == [False]
