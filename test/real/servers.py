# SPDX-License-Identifier: GPL-2.0
"""The servers: dumped while they wait, asked after each restore. Each has the loopback of a network of its own."""
import glob
import os
import pwd
import signal
import socket
import subprocess
import urllib.request

from programs import ENV, Program, wait_for
from runner import proc

CLOSE_WAIT_OR_OPEN = {"01", "02", "03", "04", "05", "08", "09", "0B"}  # of /proc/net/tcp: a connection is on its way


def ask(argv, timeout=60, **kw):
    """What a client program prints; a Failure if it fails."""
    done = subprocess.run(argv, env=ENV, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=timeout, check=False, **kw)
    text = done.stdout.decode(errors="replace")
    if done.returncode:
        raise proc.Failure(f"{' '.join(argv)} ended with {done.returncode}: {text[-500:]}")
    return text


def no_connections():
    for name in ("tcp", "tcp6"):
        with open(f"/proc/net/{name}") as f:
            if any(line.split()[3] in CLOSE_WAIT_OR_OPEN for line in f.readlines()[1:]):
                return False
    return True


class Server(Program):
    """Answers on PORT of the loopback; has no clients when it is dumped."""

    rounds, modes = 10, ("files", "pmem")
    user = None  # who runs it, if not root
    port = 0
    ending = signal.SIGTERM
    end_codes = (0,)

    def prepare(self, work):
        """Writes its configuration."""

    def hand_over(self, path):
        who = pwd.getpwnam(self.user)
        for folder, _, names in os.walk(path):
            for entry in [folder] + [os.path.join(folder, n) for n in names]:
                os.chown(entry, who.pw_uid, who.pw_gid)

    def start(self, s):
        os.chmod(s.work, 0o755)
        self.prepare(s.work)
        argv = [a.format(work=s.work) for a in self.argv]
        if self.user:
            argv = ["/usr/bin/setpriv", f"--reuid={self.user}", f"--regid={self.user}", "--clear-groups", *argv]
        s.root = s.reaper.spawn(argv, s.work, s.out, env=ENV)
        wait_for(f"port {self.port}", self.listens, 60, s.reaper)
        self.fill(s)

    def listens(self):
        with socket.socket() as sock:
            return sock.connect_ex(("127.0.0.1", self.port)) == 0

    def fill(self, s):
        """Gives it something to keep."""

    def check(self, s):
        self.answers(s)
        wait_for("the end of all connections", no_connections, 30, s.reaper)

    def finish(self, s):
        os.kill(s.root, self.ending)
        code = s.reaper.wait(s.root, 60)
        if code not in self.end_codes:
            raise proc.Failure(f"it ended with {code}: {open(s.out, errors='replace').read()[-500:]}")


class Redis(Server):
    port = 7379

    def cli(self, *words):
        return ask(["/usr/bin/redis-cli", "-p", str(self.port), *words]).strip()

    def fill(self, s):
        self.cli("DEBUG", "POPULATE", str(self.keys), "key", "4000")
        self.cli("RPUSH", "list", *map(str, range(1000)))
        self.cli("ZADD", "sorted", *[w for i in range(500) for w in (str(i), f"member{i}")])
        self.cli("SET", "passing", "by", "EX", "100000")
        self.digest, self.turn = self.cli("DEBUG", "DIGEST"), 0

    def answers(self, s):
        digest = self.cli("DEBUG", "DIGEST")
        if digest != self.digest:
            raise proc.Failure(f"the digest was {self.digest} and is {digest}")
        if not 90000 < int(self.cli("TTL", "passing")) <= 100000:
            raise proc.Failure("the time to live went wrong")
        self.turn += 1
        self.cli("SET", "turn", str(self.turn))
        if self.cli("GETDEL", "turn") != str(self.turn):
            raise proc.Failure("it doesn't keep what is new")

    def __init__(self, name, title, keys):
        super().__init__(name, ["/usr/bin/redis-server", "--port", str(self.port), "--bind", "127.0.0.1",
                                "--unixsocket", "{work}/redis.sock", "--save", "", "--appendonly", "no",
                                "--enable-debug-command", "yes", "--dir", "{work}"], title)
        self.keys = keys


class Nginx(Server):
    port = 7380
    ending = signal.SIGQUIT

    def __init__(self):
        super().__init__("nginx", ["/usr/sbin/nginx", "-p", "{work}", "-c", "nginx.conf", "-e", "error.log"],
                         "nginx: a master and two workers, reloaded at the end")

    def prepare(self, work):
        os.mkdir(os.path.join(work, "html"))
        with open(os.path.join(work, "html", "page"), "w") as f:
            f.write("content " * 5000)
        with open(os.path.join(work, "nginx.conf"), "w") as f:
            f.write(f"daemon off; worker_processes 2; pid nginx.pid; user www-data;\n"
                    f"events {{ worker_connections 512; }}\n"
                    f"http {{ access_log access.log; server {{ listen 127.0.0.1:{self.port}; listen [::1]:{self.port};\n"
                    f"root {work}/html; location /pid {{ return 200 '$pid'; }} }} }}\n")

    def get(self, what, host="127.0.0.1"):
        with urllib.request.urlopen(f"http://{host}:{self.port}/{what}", timeout=20) as reply:
            return reply.read().decode()

    def answers(self, s):
        for _ in range(20):
            if self.get("page") != "content " * 5000 or self.get("page", "[::1]") != "content " * 5000:
                raise proc.Failure("the page is another one")

    def finish(self, s):
        was = self.get("pid")
        os.kill(s.root, signal.SIGHUP)
        wait_for("new workers", lambda: self.get("pid") != was, 30, s.reaper)
        super().finish(s)


class Memcached(Server):
    port = 7381

    def __init__(self):
        super().__init__("memcached", ["/usr/bin/memcached", "-u", "nobody", "-l", "127.0.0.1", "-p", str(self.port),
                                       "-U", "0", "-m", "256"], "memcached with 50,000 values")

    def talk(self, lines, end):
        with socket.create_connection(("127.0.0.1", self.port), 20) as sock:
            sock.sendall(lines)
            text = b""
            while not text.endswith(end):
                more = sock.recv(1 << 20)
                if not more:
                    break
                text += more
            return text

    def fill(self, s):
        for n in range(50):
            self.talk(b"".join(b"set k%d 0 0 400 noreply\r\n%s\r\n" % (i, self.value(i))
                               for i in range(n * 1000, n * 1000 + 1000)) + b"version\r\n", b"\r\n")
        self.turn = 0

    @staticmethod
    def value(i):
        return (b"%d," % i * 400)[:400]

    def answers(self, s):
        for i in (0, 1, 777, 25000 + self.turn, 49999):
            want = b"VALUE k%d 0 400\r\n%s\r\nEND\r\n" % (i, self.value(i))
            if self.talk(b"get k%d\r\n" % i, b"END\r\n") != want:
                raise proc.Failure(f"key k{i} is another one")
        self.turn += 1
        if b"STAT curr_items 50000\r\n" not in self.talk(b"stats\r\n", b"END\r\n"):
            raise proc.Failure("there aren't 50,000 items")


class Postgres(Server):
    port = 7382
    user = "postgres"
    ending = signal.SIGINT

    def __init__(self):
        self.bin = max(glob.glob("/usr/lib/postgresql/*/bin"), default="/usr/lib/postgresql/15/bin")
        super().__init__("postgres", [f"{self.bin}/postgres", "-D", "{work}/data"], "PostgreSQL, idle")

    def prepare(self, work):
        data = os.path.join(work, "data")
        os.mkdir(data)
        self.hand_over(data)
        ask(["/usr/bin/setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", f"{self.bin}/initdb", "-D", data,
             "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C.UTF-8"], cwd=data)
        with open(os.path.join(data, "postgresql.conf"), "a") as f:
            f.write(f"port = {self.port}\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = '{data}'\n"
                    "shared_buffers = 64MB\nfsync = off\n")

    def sql(self, text):
        return ask(["/usr/bin/psql", "-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres", "-Atqc", text]).strip()

    def listens(self):
        return subprocess.run(["/usr/bin/pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)], env=ENV,
                              check=False).returncode == 0

    def fill(self, s):
        self.sql("create table t (n serial primary key, text text)")
        self.turn = 0

    def answers(self, s):
        self.turn += 1
        self.sql("insert into t(text) select 'row ' || x from generate_series(1, 10000) x")
        got = self.sql("select count(*), sum(n), sum(length(text)) from t")
        rows = 10000 * self.turn
        if got != f"{rows}|{rows * (rows + 1) // 2}|{78894 * self.turn}":
            raise proc.Failure(f"the table holds {got} after {self.turn} turns")

    def finish(self, s):
        self.sql("vacuum analyze")
        if self.sql("select count(*) from pg_stat_activity where backend_type = 'checkpointer'") != "1":
            raise proc.Failure("it has no checkpointer")
        super().finish(s)


def all_servers():
    return (Redis("redis", "Redis with 1 GB of data, whose digest stays", 250_000), Nginx(), Memcached(), Postgres())
