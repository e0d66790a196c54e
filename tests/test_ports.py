"""A server that starts late still finds the port that it was promised."""

import socket
from itertools import islice

from tests.ports import CONNECTIONS, USUAL_END, free_port


def test_no_port_is_promised_twice_or_to_a_connection():
    promised = [free_port() for _ in range(100)]
    begin = int(CONNECTIONS.read_text().split()[0])
    assert len(set(promised)) == 100
    assert max(promised) < max(begin, USUAL_END)


def test_a_port_on_which_somebody_listens_is_passed_over():
    taken = free_port() + 1
    with socket.create_server(("127.0.0.1", taken)):
        assert taken not in islice(iter(free_port, None), 10)
