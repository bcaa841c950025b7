"""What EC2 answers to a request that it doesn't do."""


class Refused(Exception):
    def __init__(self, code, message, status=400):
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
