"""Follows the best bid and ask of one symbol.

    python examples/top_of_book.py [--spin] SYMBOL [NAME]
"""

import sys

from market_data_shm import Book, Lost, Reader, Reopened, ShmError, Status, WriterChanged, open_region


def print_top(book: Book) -> None:
    if book.best_bid is None or book.best_ask is None:
        print(f"{book.symbol} {book.state} ({book.reason})", flush=True)
        return
    p, q = book.price_scale, book.quantity_scale
    (bid, bid_quantity), (ask, ask_quantity) = book.best_bid, book.best_ask
    top = f"{bid:.{p}f} x {bid_quantity:.{q}f} | {ask:.{p}f} x {ask_quantity:.{q}f}"
    print(f"{book.symbol} {top}  update {book.last_update_id}", flush=True)


def print_present(reader: Reader, symbol: str) -> int:
    """What the ring has of this symbol up to the returned sequence is older."""
    book = reader.latest(symbol)
    print_top(book)
    return book.sequence


def follow(name: str, symbol: str, sleep_s: float) -> None:
    with open_region(name) as reader:
        sequence = print_present(reader, symbol)
        for event in reader.events(sleep_s=sleep_s):
            if isinstance(event, Book):
                if event.symbol == symbol and event.sequence > sequence:
                    print_top(event)
            elif isinstance(event, Status):
                if event.symbol == symbol and event.sequence > sequence:
                    print(f"{symbol} {event.state} ({event.reason})", flush=True)
            elif isinstance(event, Lost):
                print(f"lost {event.bytes} bytes", file=sys.stderr)
                sequence = print_present(reader, symbol)
            elif isinstance(event, WriterChanged):
                print(f"writer {event.state}", file=sys.stderr)
            elif isinstance(event, Reopened):
                print(f"writer restarted, generation {event.generation}", file=sys.stderr)
                sequence = print_present(reader, symbol)


def main() -> int:
    arguments = sys.argv[1:]
    sleep_s = 0.0005
    if arguments[:1] == ["--spin"]:
        sleep_s = 0.0
        arguments.pop(0)
    if not arguments:
        print("usage: top_of_book.py [--spin] SYMBOL [NAME]\nexample: top_of_book.py BTCUSDT market_data_shm", file=sys.stderr)
        return 2
    try:
        follow(arguments[1] if len(arguments) > 1 else "market_data_shm", arguments[0], sleep_s)
    except ShmError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
