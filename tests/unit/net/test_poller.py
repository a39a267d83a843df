"""Both pollers on socket pairs: what they tell, what they leave alone, and in which order they send."""

import asyncio
import contextlib
import socket
import time
from collections.abc import Awaitable, Callable, Iterator

import pytest

from blaze.core.net.poller import BEST_POLLER, MAX_TIME, READ, WRITE, Poller

POLLERS = pytest.mark.parametrize("kind", sorted({Poller, BEST_POLLER}, key=lambda kind: kind.__name__))


@contextlib.contextmanager
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        theirs.setblocking(False)
        yield ours, theirs


def run(kind: type[Poller], scenario: Callable[[Poller], Awaitable[None]]) -> None:
    async def main() -> None:
        poller = kind(asyncio.get_running_loop())
        try:
            await asyncio.wait_for(scenario(poller), 10)
        finally:
            poller.close()

    asyncio.run(main())


async def turns(count: int = 3) -> None:
    for _ in range(count):
        await asyncio.sleep(0.005)


@POLLERS
def test_watch_tells_of_octets_and_of_room(kind: type[Poller]) -> None:
    async def scenario(poller: Poller) -> None:
        with pair() as (ours, theirs):
            told: list[int] = []
            poller.watch(ours.fileno(), READ, told.append)
            await turns()
            assert told == []
            theirs.send(b"x")
            await turns()
            assert set(told) == {READ}
            ours.recv(1)
            poller.watch(ours.fileno(), READ | WRITE, told.append)
            told.clear()
            await turns()
            assert set(told) == {WRITE}
            poller.forget(ours.fileno())

    run(kind, scenario)


@POLLERS
def test_ignore_is_silent_even_when_the_connection_breaks(kind: type[Poller]) -> None:
    async def scenario(poller: Poller) -> None:
        with pair() as (ours, theirs):
            told: list[int] = []
            poller.watch(ours.fileno(), READ, told.append)
            poller.ignore(ours.fileno())
            poller.ignore(ours.fileno())
            theirs.send(b"x")
            theirs.close()
            await turns()
            assert told == []
            poller.watch(ours.fileno(), READ, told.append)
            await turns()
            assert told
            assert all(events & READ for events in told)
            poller.forget(ours.fileno())

    run(kind, scenario)


@POLLERS
def test_forget_leaves_the_number_to_the_next_socket(kind: type[Poller]) -> None:
    async def scenario(poller: Poller) -> None:
        with pair() as (first, _):
            told: list[str] = []
            number = first.fileno()
            poller.watch(number, READ | WRITE, lambda _: told.append("first"))
            poller.forget(number)
        with pair() as (second, theirs):
            assert second.fileno() == number
            poller.watch(number, READ, lambda _: told.append("second"))
            theirs.send(b"x")
            await turns()
            assert set(told) == {"second"}
            poller.forget(number)

    run(kind, scenario)


@POLLERS
def test_a_socket_closed_by_another_one_in_the_same_turn_is_not_told(kind: type[Poller]) -> None:
    async def scenario(poller: Poller) -> None:
        with pair() as (one, one_peer), pair() as (other, other_peer):
            sockets, told = {1: one, 2: other}, []

            def close_other(number: int) -> Callable[[int], None]:
                def ready(_: int) -> None:
                    told.append(number)
                    for victim in sockets.values():
                        poller.forget(victim.fileno())
                        victim.close()
                    sockets.clear()

                return ready

            for number, connection in sockets.items():
                poller.watch(connection.fileno(), READ, close_other(number))
            one_peer.send(b"x")
            other_peer.send(b"x")
            await turns()
            assert len(told) == 1

    run(kind, scenario)


class Noted:
    """Something to send, that notes when it was sent."""

    def __init__(self, notes: list[str], name: str) -> None:
        self._notes = notes
        self._name = name

    def flush(self) -> None:
        self._notes.append(f"sent {self._name}")


@POLLERS
def test_send_soon_outside_of_a_turn_comes_in_the_next(kind: type[Poller]) -> None:
    async def scenario(poller: Poller) -> None:
        notes: list[str] = []
        poller.send_soon(Noted(notes, "a"))
        poller.send_soon(Noted(notes, "b"))
        assert notes == []
        await turns(1)
        assert notes == ["sent a", "sent b"]

    run(kind, scenario)


def test_replies_leave_when_all_that_were_ready_are_read() -> None:
    async def scenario(poller: Poller) -> None:
        with pair() as (one, one_peer), pair() as (other, other_peer):
            notes: list[str] = []

            def reader(connection: socket.socket, name: str) -> Callable[[int], None]:
                def ready(_: int) -> None:
                    connection.recv(1)
                    notes.append(f"read {name}")
                    poller.send_soon(Noted(notes, name))

                return ready

            for connection, name in ((one, "a"), (other, "b")):
                poller.watch(connection.fileno(), READ, reader(connection, name))
            one_peer.send(b"x")
            other_peer.send(b"x")
            await turns(1)
            assert [note[:4] for note in notes] == ["read", "read", "sent", "sent"]
            for connection in (one, other):
                poller.forget(connection.fileno())

    run(BEST_POLLER, scenario)


@POLLERS
def test_busy_sockets_leave_the_loop_its_turn(kind: type[Poller]) -> None:
    async def scenario(poller: Poller) -> None:
        with pair() as (ours, theirs):
            theirs.send(b"x")
            told: list[int] = []
            poller.watch(ours.fileno(), READ, told.append)
            started = time.process_time()
            for _ in range(5):
                await asyncio.sleep(0)
            assert time.process_time() - started < 5 * MAX_TIME + 0.1
            assert told
            poller.forget(ours.fileno())

    run(kind, scenario)


@POLLERS
def test_what_fails_in_a_turn_leaves_the_others_served(kind: type[Poller]) -> None:
    async def scenario(poller: Poller) -> None:
        with pair() as (ours, theirs):
            failures: list[object] = []
            poller.loop.set_exception_handler(lambda _, context: failures.append(context["exception"]))
            notes: list[str] = []

            def fail(_: int) -> None:
                poller.forget(ours.fileno())
                ours.close()
                poller.send_soon(Noted(notes, "a"))
                raise ValueError("a fault of ours")

            theirs.send(b"x")
            poller.watch(ours.fileno(), READ, fail)
            await turns()
            assert [str(failure) for failure in failures] == ["a fault of ours"]
            assert notes == ["sent a"]

    run(kind, scenario)


@POLLERS
def test_long_turns_leave_time_for_the_loop(kind: type[Poller]) -> None:
    turns = []

    async def scenario(poller: Poller) -> None:
        with pair() as (ours, theirs):
            theirs.send(b"x")
            poller.watch(ours.fileno(), READ, lambda _: turns.append(time.sleep(0.02)))
            await asyncio.sleep(0.01)
            assert 0 < len(turns) <= 3
            poller.forget(ours.fileno())

    run(kind, scenario)
