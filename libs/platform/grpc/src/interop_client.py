"""gRPC's interoperability cases against the server at argv[1], with grpcio. Prints one line of JSON for each case.

Messages of grpc/testing/messages.proto are written and read by their field numbers.
"""
import json
import sys

import grpc

SERVICE = "/grpc.testing.TestService/"
INITIAL, TRAILING = "x-grpc-test-echo-initial", "x-grpc-test-echo-trailing-bin"
SPECIAL = "\t\ntest with whitespace\r\nand Unicode BMP \u263a and non-BMP \U0001f608\t\n"


def varint(value):
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def message(*fields):
    out = b""
    for number, value in fields:
        if isinstance(value, int):
            out += varint(number << 3) + varint(value)
        else:
            out += varint(number << 3 | 2) + varint(len(value)) + value
    return out


def fields(data):
    at, found = 0, {}

    def number():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(data):
        tag = number()
        if tag & 7 == 0:
            found[tag >> 3] = number()
        else:
            size = number()
            found[tag >> 3] = data[at : at + size]
            at += size
    return found


def payload(size):
    return message((2, bytes(size)))


def body_size(response):
    return len(fields(fields(response).get(1, b"")).get(2, b""))


def flag(value):
    return message((1, 1)) if value else b""


def simple(response, request, *more):
    return message((2, response), (3, payload(request)), *more)


def output(*sizes, compressed=None):
    return message(*((2, message((1, size), *([] if compressed is None else [(3, flag(compressed[i]))])))
                     for i, size in enumerate(sizes)))


def expect(wanted, found):
    assert wanted == found, f"expected {wanted!r}, got {found!r}"


def failure(run):
    try:
        run()
    except grpc.RpcError as error:
        return error.code(), error.details()
    raise AssertionError("the call did not fail")


class Cases:
    def __init__(self, channel):
        self.empty = channel.unary_unary(SERVICE + "EmptyCall")
        self.unary = channel.unary_unary(SERVICE + "UnaryCall")
        self.input = channel.stream_unary(SERVICE + "StreamingInputCall")
        self.output = channel.unary_stream(SERVICE + "StreamingOutputCall")
        self.duplex = channel.stream_stream(SERVICE + "FullDuplexCall")
        self.no_method = channel.unary_unary(SERVICE + "UnimplementedCall")
        self.no_service = channel.unary_unary("/grpc.testing.UnimplementedService/UnimplementedCall")

    def empty_unary(self):
        expect(b"", self.empty(b"", timeout=20))

    def large_unary(self):
        expect(314159, body_size(self.unary(simple(314159, 271828), timeout=20)))

    def messages_of_some_mebibytes(self):
        expect(3 << 20, body_size(self.unary(simple(3 << 20, 3 << 20), timeout=20)))
        expect(grpc.StatusCode.RESOURCE_EXHAUSTED, failure(lambda: self.unary(simple(1, 5 << 20), timeout=20))[0])

    def client_streaming(self):
        requests = (message((1, payload(size))) for size in (27182, 8, 1828, 45904))
        expect(74922, fields(self.input(requests, timeout=20))[1])

    def server_streaming(self):
        sizes = [31415, 9, 2653, 58979]
        expect(sizes, [body_size(each) for each in self.output(output(*sizes), timeout=20)])

    def server_streaming_beyond_the_window(self):
        sizes = [1 << 20] * 16
        expect(sizes, [body_size(each) for each in self.output(output(*sizes), timeout=20)])

    def ping_pong(self):
        pairs = [(27182, 31415), (8, 9), (1828, 2653), (45904, 58979)]
        requests = (message((2, message((1, answer))), (3, payload(size))) for size, answer in pairs)
        expect([answer for _, answer in pairs], [body_size(each) for each in self.duplex(requests, timeout=20)])

    def empty_stream(self):
        expect([], list(self.duplex(iter(()), timeout=20)))

    def cancel_after_begin(self):
        call = self.input.future(endless())
        call.cancel()
        expect(grpc.StatusCode.CANCELLED, call.code())

    def cancel_after_first_response(self):
        call = self.duplex(endless(message((2, message((1, 31415))), (3, payload(27182)))))
        expect(31415, body_size(next(call)))
        call.cancel()
        expect(grpc.StatusCode.CANCELLED, call.code())

    def timeout_on_sleeping_server(self):
        call = self.duplex(endless(message((3, payload(27182)))), timeout=0.001)
        expect(grpc.StatusCode.DEADLINE_EXCEEDED, failure(lambda: next(call))[0])

    def status_code_and_message(self):
        wanted = (grpc.StatusCode.UNKNOWN, "test status message")
        status = message((7, message((1, 2), (2, b"test status message"))))
        expect(wanted, failure(lambda: self.unary(status, timeout=20)))
        expect(wanted, failure(lambda: list(self.duplex(iter([status]), timeout=20))))

    def special_status_message(self):
        status = message((7, message((1, 2), (2, SPECIAL.encode()))))
        expect((grpc.StatusCode.UNKNOWN, SPECIAL), failure(lambda: self.unary(status, timeout=20)))

    def custom_metadata(self):
        metadata = ((INITIAL, "test_initial_metadata_value"), (TRAILING, b"\xab\xab\xab"))
        _, call = self.unary.with_call(simple(314159, 271828), metadata=metadata, timeout=20)
        stream = self.duplex(iter([message((2, message((1, 314159))), (3, payload(271828)))]), metadata=metadata, timeout=20)
        expect([314159], [body_size(each) for each in stream])
        for each in (call, stream):
            expect("test_initial_metadata_value", dict(each.initial_metadata()).get(INITIAL))
            expect(b"\xab\xab\xab", dict(each.trailing_metadata()).get(TRAILING))

    def unimplemented_method(self):
        expect(grpc.StatusCode.UNIMPLEMENTED, failure(lambda: self.no_method(b"", timeout=20))[0])

    def unimplemented_service(self):
        expect(grpc.StatusCode.UNIMPLEMENTED, failure(lambda: self.no_service(b"", timeout=20))[0])

    def client_compressed_unary(self):
        request = simple(314159, 271828, (8, flag(True)))
        expect(grpc.StatusCode.INVALID_ARGUMENT, failure(lambda: self.unary(request, timeout=20))[0])
        expect(314159, body_size(self.unary(request, timeout=20, compression=grpc.Compression.Gzip)))
        expect(314159, body_size(self.unary(simple(314159, 271828, (8, flag(False))), timeout=20)))

    def client_compressed_streaming(self):
        def requests(wanted):
            return (message((1, payload(size)), (2, flag(wanted))) for size in (27182, 45904))

        expect(grpc.StatusCode.INVALID_ARGUMENT, failure(lambda: self.input(requests(True), timeout=20))[0])
        expect(73086, fields(self.input(requests(True), timeout=20, compression=grpc.Compression.Gzip))[1])

    def server_compressed_unary(self):
        for compressed in (True, False):
            expect(314159, body_size(self.unary(simple(314159, 271828, (6, flag(compressed))), timeout=20)))

    def server_compressed_streaming(self):
        request = output(31415, 92653, compressed=(True, False))
        expect([31415, 92653], [body_size(each) for each in self.output(request, timeout=20)])


def endless(*first):
    """Requests that do not end: the call is over before."""
    import threading

    yield from first
    threading.Event().wait(20)


def main():
    options = (("grpc.enable_http_proxy", 0), ("grpc.max_receive_message_length", 8 << 20))
    with grpc.insecure_channel(sys.argv[1], options=options) as channel:
        cases = Cases(channel)
        for name in [each for each in dir(Cases) if not each.startswith("_")]:
            try:
                getattr(cases, name)()
                print(json.dumps({"case": name}), flush=True)
            except Exception as error:  # whatever it is, it is this case's failure
                print(json.dumps({"case": name, "error": f"{type(error).__name__}: {error}"}), flush=True)


main()
