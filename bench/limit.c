/* The limit: the least work that a server in user space can do for a plain text answer on this machine.
 *
 * One thread, one epoll, one recv and one send per wake-up. It looks for the empty line that ends a head and answers
 * each head found in one read with the same prepared bytes. It parses nothing and checks nothing: no server can be this
 * and correct, but none can be faster. */
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ROOM = 65536, EVENTS = 256, CONNECTIONS = 4096, BATCH = 256 };

static const char ANSWER[] =
    "HTTP/1.1 200 OK\r\n"
    "content-type: text/plain; charset=utf-8\r\n"
    "content-length: 13\r\n"
    "date: Sun, 01 Nov 2026 00:00:00 GMT\r\n"
    "\r\n"
    "Hello, World!";
enum { LENGTH = sizeof ANSWER - 1 };

struct connection {
    size_t used;
    char bytes[ROOM];
};

static struct connection *connections[CONNECTIONS];
static char answers[BATCH * LENGTH];
static int poller;

static int listen_on(int port) {
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), yes = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 2048)) {
        perror("limit");
        exit(1);
    }
    return listener;
}

static void watch(int fd) {
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
}

static void accept_all(int listener) {
    int fd, yes = 1;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        if (fd >= CONNECTIONS) {
            close(fd);
            continue;
        }
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        if (connections[fd] == NULL)
            connections[fd] = malloc(sizeof *connections[fd]);
        connections[fd]->used = 0;
        watch(fd);
    }
}

static void send_all(int fd, size_t size) {
    size_t sent = 0;
    while (sent < size) {
        ssize_t count = send(fd, answers + sent, size - sent, MSG_NOSIGNAL);
        if (count >= 0)
            sent += (size_t)count;
        else if (errno != EAGAIN)
            return;
    }
}

static void serve(int fd) {
    struct connection *one = connections[fd];
    ssize_t count = recv(fd, one->bytes + one->used, ROOM - one->used, 0);
    if (count < 0 && errno == EAGAIN)
        return;
    if (count <= 0) {
        close(fd);
        return;
    }
    char *from = one->bytes, *end = one->bytes + one->used + count, *found;
    size_t heads = 0;
    while ((found = memmem(from, (size_t)(end - from), "\r\n\r\n", 4)) != NULL) {
        from = found + 4;
        if (++heads == BATCH) {
            send_all(fd, heads * LENGTH);
            heads = 0;
        }
    }
    one->used = (size_t)(end - from);
    memmove(one->bytes, from, one->used);
    send_all(fd, heads * LENGTH);
}

int main(int count, char **arguments) {
    if (count != 2)
        return 2;
    for (int i = 0; i < BATCH; i++)
        memcpy(answers + i * LENGTH, ANSWER, LENGTH);
    int listener = listen_on(atoi(arguments[1]));
    poller = epoll_create1(EPOLL_CLOEXEC);
    watch(listener);
    for (;;) {
        struct epoll_event events[EVENTS];
        int ready = epoll_wait(poller, events, EVENTS, -1);
        for (int i = 0; i < ready; i++) {
            if (events[i].data.fd == listener)
                accept_all(listener);
            else
                serve(events[i].data.fd);
        }
    }
}
