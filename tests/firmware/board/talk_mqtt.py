"""Talks MQTT as a node does: host, port, name, password and keepalive come as arguments, what to publish by the line.

Says what happens: `ready`, `acknowledged`, `heard HEX`, and at last `ended ERROR: why` with the milliseconds it took.
"""

import select
import sys
import time
from binascii import hexlify, unhexlify

from node.links import mqtt


def talk(host, port, name, password, keepalive):
    poll = select.poll()
    poll.register(sys.stdin, select.POLLIN)
    began = time.ticks_ms()
    client = None
    try:
        client = mqtt.Client(host, int(port), name, password, "stoep/up/" + name, "stoep/down/" + name, int(keepalive))
        was_ready, was_idle = False, True
        while True:
            heard = client.turn()
            if heard is not None:
                print("heard", hexlify(heard).decode())
            if client.ready and not was_ready:
                was_ready = True
                print("ready")
            if not client.unheard and not was_idle:
                was_idle = True
                print("acknowledged")
            if poll.poll(2):
                words = sys.stdin.readline().split()
                if not words:
                    client.close()
                    print("closed")
                    return
                client.publish(unhexlify(words[1]), words[0] == "again")
                was_idle = False
                began = time.ticks_ms()
    except OSError as error:
        print("ended %s: %s ms=%d" % (type(error).__name__, error, time.ticks_diff(time.ticks_ms(), began)))
        if client:
            client.close()


talk(*sys.argv[1:])
