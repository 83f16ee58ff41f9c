# Prints every datagram and its sender, as the original script does.
import socket
import sys

server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("127.0.0.1", int(sys.argv[1])))
try:
    while True:
        data, sender = server.recvfrom(65535)
        print(f"\n[+] Mensaje enviado por el cliente: {data.decode()}")
        print(f"[+] Informacion del cliente que nos ha enviado el mensaje: {sender}")
except KeyboardInterrupt:
    pass
