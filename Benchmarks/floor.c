/*
 * The floor: what the kernel itself takes to make, read and remove the objects of a host, without manifests,
 * comparison, checks or undoing. Its script, one object a line, is written by replay.py from what bulkhead made; every
 * message in it is ready to be sent, so that nothing is left to do here but system calls.
 *
 *   floor up|read|down SCRIPT [THREADS] [shortcuts]
 *
 * Plainly it is what anybody would write: one thread, one dump of each kind for each namespace, files by their path.
 * With shortcuts it avoids what the kernel does linearly for each of many namespaces: settings are looked up in a procfs
 * that is mounted nowhere, and the host's links are read from an empty namespace in which the others are numbered.
 *
 *   netns NAME ID                    a namespace bound below /run/netns, and the id that the host gives it
 *   set SPACE PATH VALUE             a file below /proc/sys; the space is a namespace, or - for the host
 *   send SPACE TYPE FLAGS HEX [OFFSET NAME]
 *                                    rtnetlink: payload, and where the descriptor of a namespace goes into it
 *   nft TYPE FLAGS HEX               part of the one transaction of nftables
 *   folder PATH, file PATH HEX       a folder; a file and what is in it
 *   look SPACE PATH                  a file below /proc/sys that `read` reads
 *   link INDEX                       a link of the host that `down` deletes
 *   table FAMILY NAME                a table of nftables that `down` deletes
 *   reset PATH VALUE                 a file below /proc/sys that `down` writes
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/net_namespace.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Requests of one datagram; with more of them nothing is gained. */
enum { CHUNK = 256 << 10, ANSWER = 256 << 10, BUFFER = 64 << 20, GROUP = 0x62656e63 };

struct bytes { unsigned char *data; size_t size, room; };
/* A file; for settings also how many bytes of messages go before it. */
struct pair { const char *path, *value; size_t place; };
struct pairs { struct pair *item; size_t count; };
struct patch { size_t place; const char *name; };
struct space {
    const char *name;
    unsigned id;
    int descriptor, socket;
    struct bytes messages;
    struct pairs settings, looks;
};

static struct space *spaces, host = {.name = "-"};
static size_t space_count;
static struct patch *patches;
static size_t patch_count;
static struct bytes rules, removal;
static struct pairs folders, files, resets;
static unsigned *links;
static size_t link_count;
static int thread_count = 1;
static bool has_shortcuts;
static int own_space;
static atomic_size_t next, message_count, byte_count, file_count;

static _Noreturn void fail(int code, const char *format, ...) {
    va_list list;
    va_start(list, format);
    fputs("floor: ", stderr);
    vfprintf(stderr, format, list);
    fprintf(stderr, ": %s\n", strerror(code));
    exit(1);
}

static void *grow(void *memory, size_t count, size_t size) {
    /* Twice as much whenever it is full: at powers of two. */
    if (count & (count - 1)) return memory;
    memory = realloc(memory, (count ? 2 * count : 1) * size);
    if (!memory) fail(errno, "memory");
    return memory;
}

static void append(struct bytes *to, const void *data, size_t size) {
    size_t padded = (size + 3) & ~(size_t)3;
    if (to->size + padded > to->room) {
        to->room = 2 * (to->size + padded);
        to->data = realloc(to->data, to->room);
        if (!to->data) fail(errno, "memory");
    }
    memset(to->data + to->size, 0, padded);
    if (data) memcpy(to->data + to->size, data, size);
    to->size += padded;
}

static void add(struct pairs *to, const char *path, const char *value) {
    to->item = grow(to->item, to->count, sizeof *to->item);
    to->item[to->count++] = (struct pair){path, value, 0};
}

/* Appends a message, and returns where its payload begins. */
static size_t message(struct bytes *to, int type, int flags, const void *payload, size_t size) {
    struct nlmsghdr header = {
        .nlmsg_len = (unsigned)(sizeof header + size), .nlmsg_type = (unsigned short)type,
        .nlmsg_flags = (unsigned short)(flags | NLM_F_REQUEST)};
    append(to, &header, sizeof header);
    append(to, payload, size);
    return to->size - ((size + 3) & ~(size_t)3);
}

static int digit(char c) { return c <= '9' ? c - '0' : c - 'a' + 10; }

/* In place: two digits become a byte. */
static size_t unhex(char *text) {
    size_t size = strlen(text) / 2;
    for (size_t i = 0; i < size; i++) text[i] = (char)(digit(text[2 * i]) << 4 | digit(text[2 * i + 1]));
    return size;
}

/* Lines of a namespace follow each other, so that the last one found is most often the right one. */
static struct space *find(const char *name) {
    static size_t last;
    if (!strcmp(name, "-")) return &host;
    for (size_t i = 0; i < space_count; i++) {
        size_t place = (last + i) % space_count;
        if (!strcmp(spaces[place].name, name)) return &spaces[last = place];
    }
    fail(EINVAL, "no namespace %s", name);
}

static void parse(char *line) {
    char *word[8] = {NULL};
    int count = 0;
    for (char *part; count < 7 && (part = strsep(&line, " "));) word[count++] = part;
    if (!strcmp(word[0], "netns")) {
        spaces = grow(spaces, space_count, sizeof *spaces);
        spaces[space_count++] = (struct space){.name = word[1], .id = (unsigned)atol(word[2])};
    } else if (!strcmp(word[0], "set")) {
        struct space *space = find(word[1]);
        add(&space->settings, word[2], word[3]);
        space->settings.item[space->settings.count - 1].place = space->messages.size;
    } else if (!strcmp(word[0], "send")) {
        struct space *space = find(word[1]);
        size_t size = unhex(word[4]);
        size_t place = message(&space->messages, atoi(word[2]), atoi(word[3]), word[4], size);
        if (count == 7) {
            patches = grow(patches, patch_count, sizeof *patches);
            patches[patch_count++] = (struct patch){place + (size_t)atol(word[5]), word[6]};
        }
    } else if (!strcmp(word[0], "nft")) {
        size_t size = unhex(word[3]);
        message(&rules, NFNL_SUBSYS_NFTABLES << 8 | atoi(word[1]), atoi(word[2]), word[3], size);
    } else if (!strcmp(word[0], "folder")) {
        add(&folders, word[1], NULL);
    } else if (!strcmp(word[0], "file")) {
        add(&files, word[1], word[2]);
    } else if (!strcmp(word[0], "look")) {
        add(&find(word[1])->looks, word[2], NULL);
    } else if (!strcmp(word[0], "link")) {
        links = grow(links, link_count, sizeof *links);
        links[link_count++] = (unsigned)atol(word[1]);
    } else if (!strcmp(word[0], "table")) {
        struct bytes body = {0};
        struct nfgenmsg family = {.nfgen_family = (unsigned char)atoi(word[1])};
        unsigned short length = (unsigned short)(sizeof(struct nlattr) + strlen(word[2]) + 1);
        struct nlattr name = {.nla_len = length, .nla_type = NFTA_TABLE_NAME};
        append(&body, &family, sizeof family);
        append(&body, &name, sizeof name);
        append(&body, word[2], strlen(word[2]) + 1);
        message(&removal, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_DELTABLE, 0, body.data, body.size);
    } else if (!strcmp(word[0], "reset")) {
        add(&resets, word[1], word[2]);
    } else {
        fail(EINVAL, "what is %s", word[0]);
    }
}

static void load(const char *path) {
    int file = open(path, O_RDONLY | O_CLOEXEC);
    struct stat status;
    if (file < 0 || fstat(file, &status)) fail(errno, "%s", path);
    char *text = malloc((size_t)status.st_size + 1);
    if (!text || read(file, text, (size_t)status.st_size) != status.st_size) fail(errno, "read %s", path);
    close(file);
    text[status.st_size] = 0;
    for (char *line; (line = strsep(&text, "\n"));) if (*line) parse(line);
}

static int netlink(int family) {
    int made = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, family), size = BUFFER, on = 1;
    struct sockaddr_nl own = {.nl_family = AF_NETLINK};
    if (made < 0 || bind(made, (struct sockaddr *)&own, sizeof own)) fail(errno, "netlink socket");
    if (setsockopt(made, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size))
        setsockopt(made, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    if (setsockopt(made, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size))
        setsockopt(made, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    setsockopt(made, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on);
    setsockopt(made, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof on);
    return made;
}

static _Thread_local unsigned char *answer;

static ssize_t receive(int from) {
    if (!answer && !(answer = malloc(ANSWER))) fail(errno, "memory");
    ssize_t size;
    do size = recv(from, answer, ANSWER, 0); while (size < 0 && errno == EINTR);
    if (size < 0) fail(errno, "receive");
    return size;
}

/* Sends requests, of which only the last is acknowledged, leaving out some behind it that never are; an error of any of
   them ends it all. */
static void request(int to, unsigned char *data, size_t size, unsigned unacknowledged) {
    unsigned count = 0, number = 0;
    for (size_t place = 0; place < size; place += NLMSG_ALIGN(((struct nlmsghdr *)(data + place))->nlmsg_len)) count++;
    if (!count) return;
    count -= unacknowledged;
    for (size_t place = 0; place < size;) {
        struct nlmsghdr *m = (struct nlmsghdr *)(data + place);
        m->nlmsg_seq = ++number;
        if (number == count) m->nlmsg_flags |= NLM_F_ACK;
        place += NLMSG_ALIGN(m->nlmsg_len);
    }
    if (send(to, data, size, 0) != (ssize_t)size) fail(errno, "send %zu bytes", size);
    for (;;) {
        ssize_t left = receive(to);
        for (struct nlmsghdr *m = (void *)answer; NLMSG_OK(m, left); m = NLMSG_NEXT(m, left)) {
            if (m->nlmsg_type != NLMSG_ERROR) continue;
            struct nlmsgerr *error = NLMSG_DATA(m);
            if (error->error)
                fail(-error->error, "request %u of %u, type %d", m->nlmsg_seq, count, error->msg.nlmsg_type);
            if (m->nlmsg_seq == count) return;
        }
    }
}

static void request_all(int to, const struct bytes *messages, size_t from, size_t end) {
    size_t place = from;
    while (place < end) {
        size_t size = NLMSG_ALIGN(((struct nlmsghdr *)(messages->data + place))->nlmsg_len);
        if (place + size - from > CHUNK && place > from) {
            request(to, messages->data + from, place - from, 0);
            from = place;
        }
        place += size;
    }
    request(to, messages->data + from, place - from, 0);
}

/* One transaction, which must be one datagram. */
static void transaction(struct bytes *commands) {
    if (!commands->size) return;
    struct bytes all = {0};
    struct nfgenmsg which = {.res_id = htons(NFNL_SUBSYS_NFTABLES)};
    message(&all, NFNL_MSG_BATCH_BEGIN, 0, &which, sizeof which);
    append(&all, commands->data, commands->size);
    message(&all, NFNL_MSG_BATCH_END, 0, &which, sizeof which);
    int to = netlink(NETLINK_NETFILTER);
    /* Older kernels do not acknowledge the end of it. */
    request(to, all.data, all.size, 1);
    close(to);
    free(all.data);
}

static _Thread_local int proc = -1, visits;

/* The kernel keeps files of all namespaces that were looked at under one name: a procfs of our own is empty at first.
   Where it cannot be had, as in a user namespace, /proc serves. */
static void visit(void) {
    if (!has_shortcuts || visits++ % 32) return;
    if (proc >= 0) close(proc);
    proc = -1;
    int context = (int)syscall(SYS_fsopen, "proc", 1);
    if (context < 0) return;
    if (!syscall(SYS_fsconfig, context, 6, NULL, NULL, 0)) proc = (int)syscall(SYS_fsmount, context, 1, 0);
    close(context);
}

static int open_setting(const char *path, int flags) {
    char full[512];
    snprintf(full, sizeof full, "%s/%s", proc >= 0 ? "sys" : "/proc/sys", path);
    return openat(proc, full, flags | O_CLOEXEC);
}

static void write_setting(const char *path, const char *value) {
    int file = open_setting(path, O_WRONLY);
    if (file < 0 || write(file, value, strlen(value)) < 0) fail(errno, "write %s", path);
    close(file);
}

static void read_file(int file, const char *path) {
    if (!answer && !(answer = malloc(ANSWER))) fail(errno, "memory");
    ssize_t size = -1;
    if (file >= 0) while ((size = read(file, answer, ANSWER)) > 0) {}
    if (size < 0) fail(errno, "read %s", path);
    close(file);
    file_count++;
}

/* Runs it in as many threads as were asked for; each takes the next number. */
static void spread(void *(*work)(void *)) {
    pthread_t thread[64];
    next = 0;
    for (int i = 1; i < thread_count; i++)
        if ((errno = pthread_create(&thread[i], NULL, work, NULL))) fail(errno, "thread");
    work(NULL);
    for (int i = 1; i < thread_count; i++) pthread_join(thread[i], NULL);
}

static void *make_space(void *unused) {
    for (size_t i; (i = next++) < space_count;) {
        struct space *space = &spaces[i];
        char path[300], own[64];
        snprintf(path, sizeof path, "/run/netns/%s", space->name);
        if (unshare(CLONE_NEWNET)) fail(errno, "new namespace");
        space->descriptor = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
        int file = open(path, O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0);
        if (space->descriptor < 0 || file < 0) fail(errno, "%s", path);
        close(file);
        snprintf(own, sizeof own, "/proc/self/fd/%d", space->descriptor);
        if (mount(own, path, NULL, MS_BIND, NULL)) fail(errno, "mount %s", path);
        space->socket = netlink(NETLINK_ROUTE);
        visit();
        for (size_t s = 0; s < space->settings.count; s++)
            if (!space->settings.item[s].place)
                write_setting(space->settings.item[s].path, space->settings.item[s].value);
    }
    if (setns(own_space, CLONE_NEWNET)) fail(errno, "back to the host");
    return unused;
}

/* In the order of the script; what comes before the first message has been written when a namespace was made. */
static void fill(struct space *space, int to) {
    size_t place = 0;
    for (size_t i = 0; i < space->settings.count; i++) {
        const struct pair *setting = &space->settings.item[i];
        if (!setting->place && space != &host) continue;
        request_all(to, &space->messages, place, setting->place);
        place = setting->place;
        if (space != &host && setns(space->descriptor, CLONE_NEWNET)) fail(errno, "enter %s", space->name);
        write_setting(setting->path, setting->value);
    }
    request_all(to, &space->messages, place, space->messages.size);
}

static void *fill_space(void *unused) {
    for (size_t i; (i = next++) < space_count;) fill(&spaces[i], spaces[i].socket);
    if (setns(own_space, CLONE_NEWNET)) fail(errno, "back to the host");
    return unused;
}

/* As `ip netns add` does it: what is mounted there later is seen in the mount namespaces of others. */
static void share_folder(void) {
    const char *path = "/run/netns";
    mkdir(path, 0755);
    if (!mount("", path, "none", MS_SHARED | MS_REC, NULL)) return;
    if (mount(path, path, "none", MS_BIND | MS_REC, NULL) || mount("", path, "none", MS_SHARED | MS_REC, NULL))
        fail(errno, "share %s", path);
}

static void give_id(struct bytes *all, int descriptor, unsigned id) {
    struct { struct rtgenmsg family; char pad[3]; struct nlattr a; unsigned id; struct nlattr b; int fd; } body = {
        .a = {8, NETNSA_NSID}, .id = id, .b = {8, NETNSA_FD}, .fd = descriptor};
    message(all, RTM_NEWNSID, 0, &body, sizeof body);
}

static void give_ids(int to) {
    struct bytes all = {0};
    for (size_t i = 0; i < space_count; i++) give_id(&all, spaces[i].descriptor, spaces[i].id);
    request_all(to, &all, 0, all.size);
    free(all.data);
}

static void up(void) {
    share_folder();
    spread(make_space);
    int to = netlink(NETLINK_ROUTE);
    give_ids(to);
    transaction(&rules);
    for (size_t i = 0; i < patch_count; i++)
        memcpy(host.messages.data + patches[i].place, &find(patches[i].name)->descriptor, sizeof(int));
    fill(&host, to);
    spread(fill_space);
    for (size_t i = 0; i < folders.count; i++)
        if (mkdir(folders.item[i].path, 0755)) fail(errno, "folder %s", folders.item[i].path);
    for (size_t i = 0; i < files.count; i++) {
        char *content = (char *)files.item[i].value;
        ssize_t size = (ssize_t)unhex(content);
        int file = open(files.item[i].path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
        if (file < 0 || write(file, content, (size_t)size) != size) fail(errno, "write %s", files.item[i].path);
        close(file);
    }
}

/* A whole dump; the caller looks at the messages, if at all. */
static void dump(
    int of, int type, const void *header, size_t size, void (*each)(struct nlmsghdr *, void *), void *with) {
    struct bytes ask = {0};
    message(&ask, type, NLM_F_DUMP, header, size);
    if (send(of, ask.data, ask.size, 0) != (ssize_t)ask.size) fail(errno, "ask for %d", type);
    free(ask.data);
    for (;;) {
        ssize_t left = receive(of);
        byte_count += (size_t)left;
        for (struct nlmsghdr *m = (void *)answer; NLMSG_OK(m, left); m = NLMSG_NEXT(m, left)) {
            if (m->nlmsg_type == NLMSG_DONE) return;
            if (m->nlmsg_type == NLMSG_ERROR) fail(-((struct nlmsgerr *)NLMSG_DATA(m))->error, "dump %d", type);
            message_count++;
            if (each) each(m, with);
        }
    }
}

/* Of the host, as an empty namespace sees them: number 0 is the host, and the others follow. */
static void read_links_from_outside(void) {
    struct { struct ifinfomsg info; struct nlattr a; unsigned mask; struct nlattr b; unsigned target; } link = {
        .a = {8, IFLA_EXT_MASK}, .mask = RTEXT_FILTER_SKIP_STATS, .b = {8, IFLA_TARGET_NETNSID}};
    struct { struct rtgenmsg family; char pad[3]; struct nlattr a; unsigned target; } ids = {
        .a = {8, NETNSA_TARGET_NSID}};
    struct bytes all = {0};
    if (unshare(CLONE_NEWNET)) fail(errno, "new namespace");
    int of = netlink(NETLINK_ROUTE);
    give_id(&all, own_space, 0);
    for (size_t i = 0; i < space_count; i++) give_id(&all, spaces[i].descriptor, (unsigned)i + 1);
    request_all(of, &all, 0, all.size);
    free(all.data);
    dump(of, RTM_GETLINK, &link, sizeof link, NULL, NULL);
    dump(of, RTM_GETNSID, &ids, sizeof ids, NULL, NULL);
    close(of);
    if (setns(own_space, CLONE_NEWNET)) fail(errno, "back to the host");
}

static void read_tables(int of, bool is_host) {
    struct { struct ifinfomsg info; struct nlattr a; unsigned mask; } link = {
        .a = {8, IFLA_EXT_MASK}, .mask = RTEXT_FILTER_SKIP_STATS};
    bool from_outside = is_host && has_shortcuts;
    if (!from_outside) dump(of, RTM_GETLINK, &link, sizeof link, NULL, NULL);
    dump(of, RTM_GETNEIGH, &(struct ndmsg){0}, sizeof(struct ndmsg), NULL, NULL);
    if (is_host) dump(of, RTM_GETNEIGH, &(struct ndmsg){.ndm_family = AF_BRIDGE}, sizeof(struct ndmsg), NULL, NULL);
    dump(of, RTM_GETADDR, &(struct ifaddrmsg){0}, sizeof(struct ifaddrmsg), NULL, NULL);
    for (int i = 0; i < 2; i++) {
        struct rtmsg route = {.rtm_family = i ? AF_INET6 : AF_INET};
        dump(of, RTM_GETROUTE, &route, sizeof route, NULL, NULL);
    }
    dump(of, RTM_GETRULE, &(struct rtmsg){0}, sizeof(struct rtmsg), NULL, NULL);
    dump(of, RTM_GETQDISC, &(struct tcmsg){0}, sizeof(struct tcmsg), NULL, NULL);
    if (is_host && !from_outside) dump(of, RTM_GETNSID, &(struct rtgenmsg){0}, sizeof(struct rtgenmsg), NULL, NULL);
}

/* The family and the attributes that name a set, as the question for its elements needs them. */
static void note_set(struct nlmsghdr *m, void *with) {
    struct bytes body = {0};
    struct nfgenmsg *family = NLMSG_DATA(m);
    append(&body, family, sizeof *family);
    struct nlattr *a = (void *)(family + 1);
    for (size_t left = m->nlmsg_len - NLMSG_LENGTH(sizeof *family); left >= sizeof *a;) {
        /* NFTA_SET_TABLE and NFTA_SET_NAME have the numbers that NFTA_SET_ELEM_LIST_TABLE and _SET have. */
        if (a->nla_type == NFTA_SET_TABLE || a->nla_type == NFTA_SET_NAME) append(&body, a, a->nla_len);
        size_t step = NLA_ALIGN(a->nla_len);
        if (step > left) break;
        left -= step;
        a = (void *)((char *)a + step);
    }
    message(with, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETSETELEM, 0, body.data, body.size);
    free(body.data);
}

static void read_rules(void) {
    static const int kinds[] = {
        NFT_MSG_GETTABLE, NFT_MSG_GETCHAIN, NFT_MSG_GETRULE, NFT_MSG_GETOBJ, NFT_MSG_GETFLOWTABLE, NFT_MSG_GETSET};
    int of = netlink(NETLINK_NETFILTER);
    struct bytes sets = {0};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        dump(of, NFNL_SUBSYS_NFTABLES << 8 | kinds[i], &(struct nfgenmsg){0}, sizeof(struct nfgenmsg),
             kinds[i] == NFT_MSG_GETSET ? note_set : NULL, &sets);
    for (size_t place = 0; place < sets.size;) {
        struct nlmsghdr *ask = (void *)(sets.data + place);
        dump(of, ask->nlmsg_type, NLMSG_DATA(ask), ask->nlmsg_len - NLMSG_HDRLEN, NULL, NULL);
        place += NLMSG_ALIGN(ask->nlmsg_len);
    }
    free(sets.data);
    close(of);
}

static void read_settings(const struct pairs *looks) {
    visit();
    for (size_t i = 0; i < looks->count; i++)
        read_file(open_setting(looks->item[i].path, O_RDONLY), looks->item[i].path);
}

/* The rules are one piece of work, the host's tables one, each namespace one. */
static void *read_piece(void *unused) {
    for (size_t i; (i = next++) < space_count + 2;) {
        if (i < 2) {
            if (setns(own_space, CLONE_NEWNET)) fail(errno, "enter the host");
            if (i == 0) {
                read_rules();
                continue;
            }
            if (has_shortcuts) read_links_from_outside();
            int of = netlink(NETLINK_ROUTE);
            read_tables(of, true);
            read_settings(&host.looks);
            close(of);
            continue;
        }
        struct space *space = &spaces[i - 2];
        if (setns(space->descriptor, CLONE_NEWNET)) fail(errno, "enter %s", space->name);
        int of = netlink(NETLINK_ROUTE);
        read_tables(of, false);
        read_settings(&space->looks);
        close(of);
    }
    return unused;
}

static void read_all(void) {
    for (size_t i = 0; i < space_count; i++) {
        char path[300];
        snprintf(path, sizeof path, "/run/netns/%s", spaces[i].name);
        spaces[i].descriptor = open(path, O_RDONLY | O_CLOEXEC);
        if (spaces[i].descriptor < 0) fail(errno, "open %s", path);
    }
    spread(read_piece);
    for (size_t i = 0; i < files.count; i++)
        read_file(open(files.item[i].path, O_RDONLY | O_CLOEXEC), files.item[i].path);
    printf("%zu messages, %zu bytes, %zu files\n", (size_t)message_count, (size_t)byte_count, (size_t)file_count);
}

/* Links that are deleted as one group are waited for once. */
static void down(void) {
    struct bytes all = {0};
    struct { struct ifinfomsg info; struct nlattr a; unsigned group; } body = {.a = {8, IFLA_GROUP}, .group = GROUP};
    for (size_t i = 0; i < link_count; i++) {
        body.info.ifi_index = (int)links[i];
        message(&all, RTM_SETLINK, 0, &body, sizeof body);
    }
    body.info.ifi_index = 0;
    if (link_count) message(&all, RTM_DELLINK, 0, &body, sizeof body);
    request_all(netlink(NETLINK_ROUTE), &all, 0, all.size);
    transaction(&removal);
    for (size_t i = 0; i < space_count; i++) {
        char path[300];
        snprintf(path, sizeof path, "/run/netns/%s", spaces[i].name);
        if (umount2(path, MNT_DETACH) || unlink(path)) fail(errno, "remove %s", path);
    }
    for (size_t i = 0; i < resets.count; i++) write_setting(resets.item[i].path, resets.item[i].value);
    for (size_t i = 0; i < files.count; i++) if (unlink(files.item[i].path)) fail(errno, "%s", files.item[i].path);
    for (size_t i = folders.count; i-- > 0;) if (rmdir(folders.item[i].path)) fail(errno, "%s", folders.item[i].path);
}

int main(int count, char **word) {
    if (count < 3 || count > 5) fail(EINVAL, "floor up|read|down SCRIPT [THREADS] [shortcuts]");
    if (count > 3) thread_count = atoi(word[3]);
    has_shortcuts = count > 4;
    if (thread_count < 1 || thread_count > 64) fail(EINVAL, "threads");
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    own_space = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    load(word[2]);
    if (!strcmp(word[1], "up")) up();
    else if (!strcmp(word[1], "read")) read_all();
    else if (!strcmp(word[1], "down")) down();
    else fail(EINVAL, "%s", word[1]);
    return 0;
}
