# Answers every datagram with the same bytes.
import socket
import sys

server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("127.0.0.1", int(sys.argv[1])))
while True:
    data, sender = server.recvfrom(65535)
    server.sendto(data, sender)
