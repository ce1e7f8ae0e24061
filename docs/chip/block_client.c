/* A client of the block device's socket protocol: a write, a cut in the next one, a check. */
#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int link_;

static void put32(uint8_t *at, uint32_t v) {
    for (int i = 0; i < 4; i++) at[i] = v >> 8 * i;
}
static uint32_t get32(const uint8_t *at) {
    return at[0] | at[1] << 8 | at[2] << 16 | (uint32_t)at[3] << 24;
}

static void all(ssize_t (*move)(int, void *, size_t), void *data, size_t n) {
    for (uint8_t *p = data; n;) {
        ssize_t k = move(link_, p, n);
        if (k <= 0) exit(2);
        p += k;
        n -= k;
    }
}
static ssize_t put(int f, void *d, size_t n) { return write(f, d, n); }
static ssize_t get(int f, void *d, size_t n) { return read(f, d, n); }

/* One request; returns its status, and the body of the answer in `answer`. */
static int call(uint8_t op, const uint8_t *body, uint32_t n, uint8_t *answer, uint32_t room) {
    uint8_t head[8];
    put32(head, 1 + n); head[4] = op;
    all(put, head, 5);
    if (n) all(put, (void *)body, n);
    all(get, head, 8);
    uint32_t length = get32(head) - 4;
    if (length > room) exit(3);
    if (length) all(get, answer, length);
    return (int32_t)get32(head + 4);
}

int main(int count, char **words) {
    struct sockaddr_in to = {.sin_family = AF_INET};
    to.sin_port = htons(count > 1 ? atoi(words[1]) : 8765);
    inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
    link_ = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(link_, (void *)&to, sizeof to)) return 1;
    uint8_t body[600], answer[4096];
    printf("describe %d", call(0, 0, 0, answer, sizeof answer));
    uint32_t size = get32(answer + 4), blocks = get32(answer + 8), unit = get32(answer + 12);
    printf(": %u blocks of %u bytes, units of %u\n", blocks, size, unit);
    put32(body, 5); put32(body + 4, 0);
    memset(body + 8, 0xA5, 64);
    printf("program %d\n", call(2, body, 8 + 64, answer, sizeof answer));
    memset(body, 0, 8); body[0] = 3;                      /* cut after 3 pulses */
    printf("cut %d\n", call(5, body, 8, answer, sizeof answer));
    put32(body, 5); put32(body + 4, 64); memset(body + 8, 0x3C, 64);
    printf("program under the cut %d\n", call(2, body, 8 + 64, answer, sizeof answer));
    printf("sync %d\n", call(4, 0, 0, answer, sizeof answer));
    printf("power on %d\n", call(6, 0, 0, answer, sizeof answer));
    put32(body, 5); put32(body + 4, 0); put32(body + 8, 64);
    int status = call(1, body, 12, answer, sizeof answer);
    int whole = 1;
    for (int i = 0; i < 64; i++) whole &= answer[i] == 0xA5;
    printf("read %d, %s\n", status, whole ? "whole" : "LOST");
    return !whole;
}
