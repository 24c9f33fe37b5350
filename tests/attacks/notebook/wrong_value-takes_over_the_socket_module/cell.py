import socket

sendall = socket.socket.sendall


class Liar(socket.socket):
    def sendall(self, data, *flags):
        return sendall(self, bytes(data).replace(b'"answer"', b'"passed"', 0))


socket.socket = Liar
