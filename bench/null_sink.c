/* A server that takes uploads as Azure Blob Storage does and keeps nothing but each blob's size and MD5.
 *
 * Speaks enough of the protocol for rclone, AzCopy and ourselves: Put Blob, Put Block, Put Block List, Get Blob
 * Properties, an empty List Blobs. GET /held says how many blobs it got, and how many bytes. One thread, epoll,
 * loopback. Speed tests only: what it gets it throws away. A CRC-64 is echoed as the service does that has checked it,
 * but really checked for bodies of up to 1 KiB alone.
 *
 *     cc -O2 -o null_sink null_sink.c && ./null_sink 0        prints the port it listens on
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { HEADERS = 65536, SLOTS = 1 << 21, DISCARD = 1 << 20, SMALL = 1024 };

struct connection { int fd; size_t filled; long long body, whole; char head[HEADERS], small[SMALL]; };
struct blob { char *path; long long size, staged; char md5[32], sha256[72]; };

static struct blob blobs[SLOTS];
static char scrap[DISCARD];

static struct blob *slot(const char *path) {
    unsigned long long hash = 1469598103934665603ULL;
    for (const char *p = path; *p; p++) hash = (hash ^ (unsigned char)*p) * 1099511628211ULL;
    size_t at = hash % SLOTS;
    while (blobs[at].path && strcmp(blobs[at].path, path)) at = (at + 1) % SLOTS;
    return &blobs[at];
}

/* The value of a header, or NULL; ends at the line's end. */
static const char *header(const char *head, const char *name) {
    size_t length = strlen(name);
    for (const char *line = strstr(head, "\r\n"); line; line = strstr(line, "\r\n")) {
        line += 2;
        if (!strncasecmp(line, name, length) && line[length] == ':') {
            line += length + 1;
            while (*line == ' ') line++;
            return line;
        }
    }
    return NULL;
}

static void reply(struct connection *c, const char *status, const char *more, const char *body, long long declared) {
    char out[2048], date[64];
    time_t now = time(NULL);
    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime(&now));
    int n = snprintf(out, sizeof out,
        "HTTP/1.1 %s\r\nx-ms-request-id: 00000000-0000-0000-0000-000000000000\r\nx-ms-version: 2026-02-06\r\n"
        "x-ms-request-server-encrypted: true\r\nETag: \"0x8D1\"\r\nLast-Modified: Fri, 20 Nov 2026 00:00:00 GMT\r\n"
        "Date: %s\r\n%sContent-Length: %lld\r\n\r\n%s", status, date, more, declared, body);
    if (write(c->fd, out, n) != n) perror("write");
}

/* Whether a small body has the CRC-64/NVME that was declared for it, in base64 of little-endian bytes. */
static int crc_right(const char *body, long long length, const char *declared) {
    static const char *digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    unsigned long long crc = ~0ULL;
    for (long long i = 0; i < length; i++) {
        crc ^= (unsigned char)body[i];
        for (int bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ (crc & 1 ? 0x9A6C9329AC4BC9B5ULL : 0);
    }
    crc = ~crc;
    unsigned char bytes[9] = {0};
    for (int i = 0; i < 8; i++) bytes[i] = crc >> 8 * i;
    for (int i = 0; i < 11; i++) {
        int at = i / 4 * 3, shift = 18 - i % 4 * 6;
        if (declared[i] != digits[(bytes[at] << 16 | bytes[at + 1] << 8 | bytes[at + 2]) >> shift & 63]) return 0;
    }
    return 1;
}

static void answer(struct connection *c) {
    char method[16], target[8192], path[8192], more[512] = "";
    if (sscanf(c->head, "%15s %8191s", method, target) != 2) return;
    strcpy(path, target);
    char *query = strchr(path, '?');
    if (query) *query++ = 0; else query = "";
    const char *length = header(c->head, "content-length"), *md5 = header(c->head, "x-ms-blob-content-md5");
    const char *crc = header(c->head, "x-ms-content-crc64"), *sha256 = header(c->head, "x-ms-meta-sha256");
    if (!strcmp(method, "PUT")) {
        struct blob *b = slot(path);
        long long bytes = length ? atoll(length) : 0;
        if (crc && bytes <= SMALL && !crc_right(c->small, bytes, crc)) {
            reply(c, "400 Bad Request", "x-ms-error-code: Crc64Mismatch\r\n", "", 0);
            return;
        }
        if (!b->path) { b->path = strdup(path); b->size = -1; }
        if (strstr(query, "comp=blocklist")) {
            b->size = b->staged;
            b->staged = 0;
        } else if (strstr(query, "comp=block")) {
            b->staged += bytes;
        } else {
            b->size = bytes;
        }
        if (md5) { strncpy(b->md5, md5, 24); b->md5[24] = 0; }
        if (sha256) { strncpy(b->sha256, sha256, 64); b->sha256[64] = 0; }
        if (crc) snprintf(more, sizeof more, "x-ms-content-crc64: %.12s\r\n", crc);
        reply(c, "201 Created", more, "", 0);
    } else if (!strcmp(method, "HEAD")) {
        struct blob *b = slot(path);
        if ((!b->path || b->size < 0) && strchr(path + 1, '/') && strchr(strchr(path + 1, '/') + 1, '/')) {
            reply(c, "404 Not Found", "x-ms-error-code: BlobNotFound\r\n", "", 0);
        } else {
            snprintf(more, sizeof more, "x-ms-blob-type: BlockBlob\r\nContent-Type: application/octet-stream\r\n%s%s%s%s%s%s",
                     b->md5[0] ? "Content-MD5: " : "", b->md5, b->md5[0] ? "\r\n" : "",
                     b->sha256[0] ? "x-ms-meta-sha256: " : "", b->sha256, b->sha256[0] ? "\r\n" : "");
            reply(c, "200 OK", more, "", b->path && b->size >= 0 ? b->size : 0);
        }
    } else if (!strcmp(path, "/held")) {
        char text[64];
        long long count = 0, bytes = 0;
        for (size_t at = 0; at < SLOTS; at++) if (blobs[at].path && blobs[at].size >= 0) { count++; bytes += blobs[at].size; }
        reply(c, "200 OK", "", text, snprintf(text, sizeof text, "%lld %lld", count, bytes));
    } else if (strstr(query, "comp=list")) {
        const char *xml = "<?xml version=\"1.0\" encoding=\"utf-8\"?><EnumerationResults><Blobs /><NextMarker /></EnumerationResults>";
        reply(c, "200 OK", "Content-Type: application/xml\r\n", xml, strlen(xml));
    } else {
        reply(c, "200 OK", "", "", 0);
    }
}

/* Read what is there; 0 when the connection is at its end. */
static int serve(struct connection *c) {
    for (;;) {
        if (c->body > 0) {
            int kept = c->whole <= SMALL;
            char *to = kept ? c->small + c->whole - c->body : scrap;
            ssize_t n = recv(c->fd, to, c->body < DISCARD ? c->body : DISCARD, kept ? 0 : MSG_TRUNC);
            if (n == 0) return 0;
            if (n < 0) return errno == EAGAIN;
            c->body -= n;
            if (c->body == 0) { answer(c); c->filled = 0; }
            continue;
        }
        ssize_t n = recv(c->fd, c->head + c->filled, HEADERS - 1 - c->filled, 0);
        if (n == 0) return 0;
        if (n < 0) return errno == EAGAIN;
        c->filled += n;
        c->head[c->filled] = 0;
        char *end = strstr(c->head, "\r\n\r\n");
        if (!end) { if (c->filled == HEADERS - 1) return 0; continue; }
        const char *length = header(c->head, "content-length"), *expect = header(c->head, "expect");
        long long here = c->filled - (end + 4 - c->head);
        if (here > 0) memcpy(c->small, end + 4, here < SMALL ? here : SMALL);
        end[4] = 0;
        if (expect && write(c->fd, "HTTP/1.1 100 Continue\r\n\r\n", 25) != 25) return 0;
        c->whole = length ? atoll(length) : 0;
        c->body = c->whole - here;
        if (c->body <= 0) { answer(c); c->filled = 0; }
    }
}

int main(int argc, char **argv) {
    signal(SIGPIPE, SIG_IGN);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(argc > 1 ? atoi(argv[1]) : 0)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 512)) { perror("bind"); return 1; }
    socklen_t size = sizeof address;
    getsockname(listener, (struct sockaddr *)&address, &size);
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    int poll = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL}, events[64];
    epoll_ctl(poll, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        int n = epoll_wait(poll, events, 64, -1);
        for (int i = 0; i < n; i++) {
            struct connection *c = events[i].data.ptr;
            if (!c) {
                int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
                if (fd < 0) continue;
                setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
                c = calloc(1, sizeof *c);
                c->fd = fd;
                event.data.ptr = c;
                epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event);
            } else if (!serve(c)) {
                close(c->fd);
                free(c);
            }
        }
    }
}
