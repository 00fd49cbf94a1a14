/*
 * Prints a region as JSON lines: header, latest slots, then the ring's events. The readers of all languages have this
 * program with the same output, so that they can be compared line by line.
 *
 *     dump [--verify] [--slot-timeout-ms N] [--from POSITION] FILE...   what is there now, of each file
 *     dump [--verify] --follow NAME                                     everything from the first record until the writer closes
 *     dump [--verify] --summary NAME                                    only counts, until the writer closes or 3 s pass without an event
 *
 * 64-bit integers are JSON strings; NaN is null. Exit code 0; 1 when following ended with an error.
 */
#define MARKET_DATA_SHM_IMPLEMENTATION
#include "../market_data_shm.h"

#include <math.h>

static void print_text(const char *text) {
    putchar('"');
    for (; *text; text++) {
        unsigned char byte = (unsigned char)*text;
        if (byte == '"' || byte == '\\') printf("\\%c", byte);
        else if (byte < 0x20) printf("\\u%04x", byte);
        else putchar(byte);
    }
    putchar('"');
}

static void print_number(double value) {
    if (isnan(value)) printf("null");
    else if (isinf(value)) printf(value > 0 ? "\"inf\"" : "\"-inf\"");
    else printf("%.17g", value);
}

static void print_code(const char *key, const char *name, uint8_t code) {
    if (strcmp(name, "unknown") == 0) printf(",\"%s\":\"unknown(%u)\"", key, code);
    else printf(",\"%s\":\"%s\"", key, name);
}

static void print_i64(const char *key, int64_t value) { printf(",\"%s\":\"%lld\"", key, (long long)value); }

static void print_double(const char *key, double value) {
    printf(",\"%s\":", key);
    print_number(value);
}

static void print_levels(const char *key, const mds_level *levels, uint32_t count) {
    printf(",\"%s\":[", key);
    for (uint32_t i = 0; i < count; i++) {
        printf(i ? ",[" : "[");
        print_number(levels[i].price);
        putchar(',');
        print_number(levels[i].quantity);
        putchar(']');
    }
    putchar(']');
}

/* Values at the record's scales, as a consumer computes them. */
static void print_top(const char *key, const mds_level *levels, uint32_t count, const mds_book *book) {
    printf(",\"%s\":", key);
    if (count == 0) {
        printf("null");
        return;
    }
    putchar('[');
    print_number(mds_value(levels[0].price, book->price_scale));
    putchar(',');
    print_number(mds_value(levels[0].quantity, book->quantity_scale));
    putchar(']');
}

static void print_book(const mds_book *book) {
    printf("{\"type\":\"book\"");
    print_i64("sequence", book->sequence);
    print_i64("publish_time_ns", book->publish_time_ns);
    print_i64("receive_time_ns", book->receive_time_ns);
    print_i64("exchange_time_ns", book->exchange_time_ns);
    printf(",\"symbol_index\":%u", book->symbol_index);
    print_code("state", mds_state_name(book->state), book->state);
    print_code("reason", mds_reason_name(book->reason), book->reason);
    print_code("source", book->source == 0 ? "diff" : book->source == 1 ? "partial" : "unknown", book->source);
    printf(",\"price_scale\":%u,\"quantity_scale\":%u,\"last_price_scale\":%u", book->price_scale, book->quantity_scale, book->last_price_scale);
    print_i64("last_update_id", book->last_update_id);
    print_double("last_price", book->last_price);
    print_double("volume_24h", book->volume_24h);
    print_double("high_24h", book->high_24h);
    print_double("low_24h", book->low_24h);
    print_levels("bids", book->bids, book->bid_count);
    print_levels("asks", book->asks, book->ask_count);
    print_double("last_price_value", mds_value(book->last_price, book->last_price_scale));
    print_top("best_bid", book->bids, book->bid_count, book);
    print_top("best_ask", book->asks, book->ask_count, book);
    putchar('}');
}

static void print_trade(const mds_trade *trade) {
    printf("{\"type\":\"trade\"");
    print_i64("sequence", trade->sequence);
    print_i64("publish_time_ns", trade->publish_time_ns);
    print_i64("receive_time_ns", trade->receive_time_ns);
    print_i64("exchange_time_ns", trade->exchange_time_ns);
    printf(",\"symbol_index\":%u,\"is_buyer_maker\":%s,\"is_refill\":%s", trade->symbol_index, trade->is_buyer_maker ? "true" : "false",
           trade->is_refill ? "true" : "false");
    printf(",\"price_scale\":%u,\"quantity_scale\":%u", trade->price_scale, trade->quantity_scale);
    print_i64("trade_id", trade->trade_id);
    print_double("price", trade->price);
    print_double("quantity", trade->quantity);
    print_i64("trade_time_ns", trade->trade_time_ns);
    print_double("price_value", mds_value(trade->price, trade->price_scale));
    print_double("quantity_value", mds_value(trade->quantity, trade->quantity_scale));
    putchar('}');
}

static void print_status(const mds_status *status) {
    printf("{\"type\":\"status\"");
    print_i64("sequence", status->sequence);
    print_i64("publish_time_ns", status->publish_time_ns);
    print_i64("receive_time_ns", status->receive_time_ns);
    print_i64("exchange_time_ns", status->exchange_time_ns);
    printf(",\"symbol_index\":%u", status->symbol_index);
    print_code("state", mds_state_name(status->state), status->state);
    print_code("reason", mds_reason_name(status->reason), status->reason);
    print_i64("last_update_id", status->last_update_id);
    putchar('}');
}

static void print_header(const char *key, const mds_reader *reader) {
    const mds_header *header = &reader->header;
    printf("{\"%s\":{\"layout_version\":%u,\"flags\":%u", key, header->layout_version, header->flags);
    print_i64("total_bytes", header->total_bytes);
    print_i64("generation", header->generation);
    print_i64("start_time_ns", header->start_time_ns);
    printf(",\"writer_pid\":%u,\"symbol_count\":%u,\"depth_max\":%u,\"slot_stride\":%u", header->writer_pid, header->symbol_count,
           header->depth_max, header->slot_stride);
    print_i64("first_position", header->first_position);
    print_i64("directory_offset", header->directory_offset);
    print_i64("slots_offset", header->slots_offset);
    print_i64("ring_offset", header->ring_offset);
    print_i64("ring_capacity", header->ring_capacity);
    printf("},\"symbols\":[");
    for (uint32_t i = 0; i < header->symbol_count; i++) {
        if (i > 0) putchar(',');
        print_text(mds_symbol(reader, i));
    }
    printf("]}\n");
}

static void print_error(mds_error error, const char *at) {
    printf("{\"error\":\"%s\",\"at\":\"%s\"}\n", mds_error_code(error), at);
}

static void print_event(const mds_event *event, const mds_reader *reader) {
    switch (event->kind) {
    case MDS_EVENT_BOOK: print_book(&event->book); break;
    case MDS_EVENT_TRADE: print_trade(&event->trade); break;
    case MDS_EVENT_STATUS: print_status(&event->status); break;
    case MDS_EVENT_LOST: printf("{\"lost\":\"%lld\"}", (long long)event->lost_bytes); break;
    case MDS_EVENT_WRITER: printf("{\"writer\":\"%s\"}", mds_writer_name(event->writer)); break;
    case MDS_EVENT_REOPENED: print_header("reopened", reader); return;
    case MDS_EVENT_NONE: return;
    }
    putchar('\n');
}

static void print_slots(mds_reader *reader) {
    mds_book book;
    for (uint32_t i = 0; i < reader->header.symbol_count; i++) {
        mds_error error = mds_latest(reader, i, &book);
        if (error) {
            print_error(error, "latest");
            continue;
        }
        printf("{\"slot\":%u,\"record\":", i);
        print_book(&book);
        printf("}\n");
    }
}

static void print_ring(mds_reader *reader) {
    mds_event event;
    for (;;) {
        mds_error error = mds_next(reader, &event);
        if (error) {
            print_error(error, "next");
            return;
        }
        if (event.kind == MDS_EVENT_NONE) break;
        print_event(&event, reader);
    }
    printf("{\"end\":\"%lld\",\"liveness\":\"%s\"}\n", (long long)mds_tail(reader), mds_writer_name(mds_writer_state(reader)));
}

static int follow(mds_reader *reader) {
    mds_event event;
    for (;;) {
        mds_error error = mds_wait(reader, &event, MDS_SLEEP_US(200), 60000);
        if (error) {
            print_error(error, "wait");
            return 1;
        }
        if (event.kind == MDS_EVENT_NONE) {
            printf("{\"error\":\"nothing for a minute\",\"at\":\"wait\"}\n");
            return 1;
        }
        print_event(&event, reader);
        fflush(stdout);
        if (event.kind == MDS_EVENT_WRITER && event.writer == MDS_WRITER_CLOSED) {
            print_slots(reader);
            return 0;
        }
    }
}

/* Reads everything, and a slot now and then and after each loss, and counts. `unexplained`: records that are missing without a loss before them. */
static int summarize(mds_reader *reader) {
    long long records = 0, lost_bytes = 0, lost_records = 0, unexplained = 0, disordered = 0, slots = 0, unfinished = 0;
    int64_t last = 0;
    bool has_lost = false;
    mds_event event;
    mds_book slot;
    mds_error error;
    mds_writer writer = MDS_WRITER_LIVE;
    while (!(error = mds_wait(reader, &event, MDS_SLEEP_US(200), 3000))) {
        if (event.kind == MDS_EVENT_WRITER) writer = event.writer;
        if (writer == MDS_WRITER_CLOSED || event.kind == MDS_EVENT_NONE) {
            printf("{\"records\":%lld,\"last_sequence\":%lld,\"lost_records\":%lld,\"lost_bytes\":%lld,\"unexplained\":%lld,"
                   "\"disordered\":%lld,\"slots\":%lld,\"unfinished\":%lld,\"position\":%lld,\"writer\":\"%s\"}\n",
                   records, (long long)last, lost_records, lost_bytes, unexplained, disordered, slots, unfinished,
                   (long long)reader->cursor, mds_writer_name(writer));
            return 0;
        }
        if (event.kind == MDS_EVENT_LOST) {
            lost_bytes += event.lost_bytes;
            has_lost = true;
        } else if (event.kind <= MDS_EVENT_STATUS) {
            const int64_t sequence = event.kind == MDS_EVENT_BOOK    ? event.book.sequence
                                     : event.kind == MDS_EVENT_TRADE ? event.trade.sequence
                                                                     : event.status.sequence;
            if (sequence <= last) disordered++;
            else if (sequence != last + 1 && !has_lost) unexplained++;
            else lost_records += sequence - last - 1;
            last = sequence;
            has_lost = false;
            records++;
        }
        if (!has_lost && records % 64 != 0) continue;
        error = mds_latest(reader, (uint32_t)(slots % reader->header.symbol_count), &slot);
        if (error && error != MDS_SLOT_UNFINISHED) break;
        if (error) unfinished++;
        else slots++;
    }
    print_error(error, "wait");
    return 1;
}

int main(int argc, char **argv) {
    bool verify = false, is_following = false, is_summary = false;
    long long from = -1, slot_timeout_ms = 100;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--verify") == 0) verify = true;
        else if (strcmp(argv[i], "--follow") == 0) is_following = true;
        else if (strcmp(argv[i], "--summary") == 0) is_following = is_summary = true;
        else if (strcmp(argv[i], "--from") == 0 && i + 1 < argc) from = atoll(argv[++i]);
        else if (strcmp(argv[i], "--slot-timeout-ms") == 0 && i + 1 < argc) slot_timeout_ms = atoll(argv[++i]);
        else {
            mds_reader reader;
            mds_error error = mds_open(&reader, argv[i]);
            if (error) {
                print_error(error, "open");
                if (is_following) return 1;
                continue;
            }
            reader.verify_checksums = verify;
            reader.slot_timeout_ns = slot_timeout_ms * 1000000;
            if (!is_summary) print_header("header", &reader);
            fflush(stdout);
            mds_seek(&reader, from >= 0 ? from : reader.header.first_position);
            if (is_following) {
                int code = is_summary ? summarize(&reader) : follow(&reader);
                mds_close(&reader);
                return code;
            }
            print_slots(&reader);
            print_ring(&reader);
            mds_close(&reader);
        }
    }
    return 0;
}
