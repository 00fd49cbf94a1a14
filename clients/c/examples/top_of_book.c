/*
 * Follows the best bid and ask of one symbol.
 *
 *     top_of_book [--spin] SYMBOL [NAME]
 */
#define MARKET_DATA_SHM_IMPLEMENTATION
#include "../market_data_shm.h"

static void print_top(const char *symbol, const mds_book *book) {
    if (book->bid_count == 0 || book->ask_count == 0) {
        printf("%s %s (%s)\n", symbol, mds_state_name(book->state), mds_reason_name(book->reason));
        return;
    }
    printf("%s %.*f x %.*f | %.*f x %.*f  update %lld\n", symbol, book->price_scale, mds_value(book->bids[0].price, book->price_scale),
           book->quantity_scale, mds_value(book->bids[0].quantity, book->quantity_scale), book->price_scale,
           mds_value(book->asks[0].price, book->price_scale), book->quantity_scale,
           mds_value(book->asks[0].quantity, book->quantity_scale), (long long)book->last_update_id);
}

/* The present from the slot; what the ring has of this symbol up to `sequence` is then older. */
static mds_error print_present(mds_reader *reader, const char *symbol, uint32_t *index, int64_t *sequence) {
    mds_book book;
    mds_error error = mds_symbol_index(reader, symbol, index);
    if (!error) error = mds_latest(reader, *index, &book);
    if (error) return error;
    *sequence = book.sequence;
    print_top(symbol, &book);
    return MDS_OK;
}

static mds_error follow(mds_reader *reader, const char *symbol, int64_t sleep_us) {
    uint32_t index;
    int64_t sequence;
    mds_event event;
    mds_error error = print_present(reader, symbol, &index, &sequence);
    while (!error && !(error = mds_wait(reader, &event, sleep_us, MDS_FOREVER))) {
        switch (event.kind) {
        case MDS_EVENT_BOOK:
            if (event.book.symbol_index == index && event.book.sequence > sequence) print_top(symbol, &event.book);
            break;
        case MDS_EVENT_STATUS:
            if (event.status.symbol_index == index && event.status.sequence > sequence)
                printf("%s %s (%s)\n", symbol, mds_state_name(event.status.state), mds_reason_name(event.status.reason));
            break;
        case MDS_EVENT_LOST:
            fprintf(stderr, "lost %lld bytes\n", (long long)event.lost_bytes);
            error = print_present(reader, symbol, &index, &sequence);
            break;
        case MDS_EVENT_WRITER: fprintf(stderr, "writer %s\n", mds_writer_name(event.writer)); break;
        case MDS_EVENT_REOPENED:
            fprintf(stderr, "writer restarted, generation %lld\n", (long long)reader->header.generation);
            error = print_present(reader, symbol, &index, &sequence);
            break;
        case MDS_EVENT_TRADE:
        case MDS_EVENT_NONE: break;
        }
        fflush(stdout);
    }
    return error;
}

int main(int argc, char **argv) {
    int first = 1;
    int64_t sleep_us = MDS_SLEEP_US(500);
    if (argc > 1 && strcmp(argv[1], "--spin") == 0) {
        sleep_us = MDS_SPIN;
        first = 2;
    }
    if (argc <= first) {
        fprintf(stderr, "usage: top_of_book [--spin] SYMBOL [NAME]\nexample: top_of_book BTCUSDT market_data_shm\n");
        return 2;
    }
    mds_reader reader;
    mds_error error = mds_open(&reader, argc > first + 1 ? argv[first + 1] : "market_data_shm");
    if (!error) error = follow(&reader, argv[first], sleep_us);
    fprintf(stderr, "%s\n", reader.message);
    mds_close(&reader);
    return error ? 1 : 0;
}
