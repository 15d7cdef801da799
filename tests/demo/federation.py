"""Relays and devices on this machine: starts, asks and stops them.

Every relay has its own folder, certificate authority and seal root; every
device its own folder.  Whatever is started here is stopped here.
"""
import ctypes
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BUILD = os.path.join(ROOT, os.environ.get("BUILD", "build"))

STEP_S = 60	  # the longest that anything may take
RELEASED, WITHHELD = 0, 2


class Failure(Exception):
    """What went wrong, for a person."""


def is_terminal():
    return sys.stdout.isatty()


def progress(text):
    if is_terminal():
        sys.stdout.write("\r\033[K" + text)
        sys.stdout.flush()


def say(text=""):
    progress("")
    print(text, flush=True)


def free_ports(count):
    """Ports that are free now; all are held until all are known."""
    sockets = []
    try:
        for _ in range(count):
            s = socket.socket()
            s.bind(("127.0.0.1", 0))
            sockets.append(s)
        return [s.getsockname()[1] for s in sockets]
    finally:
        for s in sockets:
            s.close()


def poll(what, done):
    """Calls `done` until it is true.  False after STEP_S seconds."""
    start = time.monotonic()
    wait = 0.05
    while True:
        if done():
            progress("")
            return True
        passed = time.monotonic() - start
        if passed > STEP_S:
            return False
        progress("%s ... %d s" % (what, passed))
        time.sleep(wait)
        wait = min(wait * 1.5, 1)


def die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG


class Answer:
    """What `entente --json` said, and its exit code."""

    def __init__(self, args, done):
        self.args = args
        self.code = done.returncode
        self.says = done.stderr.decode(errors="replace").strip()
        try:
            self.json = json.loads(done.stdout)
        except ValueError:
            self.json = None

    @property
    def error(self):
        return (self.json or {}).get("error", {})

    def fail(self):
        raise Failure("entente %s: exit %d\n%s" % (
            " ".join(self.args), self.code, self.says))


def entente(*args, given=None, may=(0,)):
    """Runs the command; another exit code than those of `may` fails."""
    command = [os.path.join(BUILD, "entente"), *args, "--json"]
    try:
        done = subprocess.run(command, input=given, capture_output=True,
                              timeout=STEP_S)
    except subprocess.TimeoutExpired:
        raise Failure("entente %s: no end after %d s"
                      % (" ".join(args), STEP_S)) from None
    except OSError as e:
        raise Failure("%s: %s" % (command[0], e.strerror)) from e
    answer = Answer(args, done)
    if may is not None and answer.code not in may:
        answer.fail()
    return answer


class Device:
    """A person's device: a folder that is enrolled at a relay."""

    def __init__(self, relay, subject, clearance, spaces, folder):
        self.relay = relay
        self.subject = subject
        self.clearance = clearance  # XML as bytes
        self.spaces = spaces
        self.folder = folder
        self.files = folder + ".files"
        self.key = None

    @property
    def name(self):
        return "%s %s" % (self.relay.nation, self.subject)

    def do(self, *args, **kwargs):
        return entente(*args, "--device", self.folder, **kwargs)

    def sync(self):
        self.do("sync", self.files)

    def listed(self):
        """What the folder holds, without asking the relay: heads by
        revision."""
        answer = self.do("doc", "list", "--no-pull")
        return {d["revision"]: d for d in answer.json["documents"]}

    def read(self, document, revision):
        """A head's plaintext from the device's folder alone, or None."""
        out = self.folder + ".read"
        if os.path.exists(out):
            os.remove(out)
        answer = self.do("doc", "get", document, "--revision", revision,
                         "--no-pull", "--out", out, may=None)
        if answer.code:
            return None
        with open(out, "rb") as f:
            data = f.read()
        os.remove(out)
        return data


class Relay:
    """One nation's entented."""

    def __init__(self, nation, folder, ports, passphrase):
        self.nation = nation
        self.folder = folder
        self.device, self.peer, self.admin = (
            "localhost:%d" % p for p in ports)
        self.listen = ["127.0.0.1:%d" % p for p in ports]
        self.passphrase = passphrase
        self.process = None
        self.log = None

    def do(self, *args, **kwargs):
        return entente(*args, "--folder", self.folder, **kwargs)

    def init(self, ceiling, policies):
        args = ["init", self.folder, "--nation", self.nation,
                "--name", "localhost", "--listen-device", self.listen[0],
                "--listen-peer", self.listen[1],
                "--listen-admin", self.listen[2], "--ceiling", ceiling,
                "--fronts", "1", "--passphrase-file", self.passphrase]
        for policy in policies:
            args += ["--policy", policy]
        entente(*args)

    def start(self):
        self.log = open(self.folder + ".log", "ab")
        self.process = subprocess.Popen(
            [os.path.join(BUILD, "entented"), "--folder", self.folder,
             "--passphrase-file", self.passphrase],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
            start_new_session=True, preexec_fn=die_with_parent)

    def ready(self):
        if self.process.poll() is not None:
            raise Failure("entented of %s ended with %d; its log is %s.log\n%s"
                          % (self.nation, self.process.returncode,
                             self.folder, self.log_end()))
        return self.do("status", may=None).code == 0

    def log_end(self):
        with open(self.folder + ".log", "rb") as f:
            return f.read()[-2000:].decode(errors="replace")

    def end(self):
        """Asks it to stop."""
        if self.process and self.process.poll() is None:
            self.process.terminate()

    def stop(self):
        if self.process and self.process.poll() is None:
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if self.log:
            self.log.close()
            self.log = None

    def get(self, target):
        """An officer's question that no verb of the command asks."""
        operator = os.path.join(self.folder, "operator", "operator")
        done = subprocess.run(
            ["curl", "--silent", "--show-error", "--fail", "--http2",
             "--max-time", "20", "--cacert",
             os.path.join(self.folder, "tls", "ca.pem"),
             "--cert", operator + ".pem", "--key", operator + ".key",
             "--connect-to", "localhost::127.0.0.1:",
             "https://%s%s" % (self.admin, target)], capture_output=True)
        if done.returncode:
            raise Failure("%s%s: %s" % (self.admin, target,
                                        done.stderr.decode().strip()))
        return json.loads(done.stdout)

    def documents(self):
        """Every document the relay has a record of, by id."""
        out, after = {}, ""
        while True:
            page = self.get("/admin/v1/documents?limit=100" + after)
            for d in page["documents"]:
                out[d["id"]] = d
            if not page.get("next"):
                return out
            after = "&after=" + page["next"]

    def explain(self, *args):
        """(released, rule, detail) as the relay sees it, or None."""
        answer = self.do("explain", *args, may=None)
        if answer.code not in (RELEASED, WITHHELD) or "rule" not in (
                answer.json or {}):
            return None
        return (answer.json["released"], answer.json["rule"],
                answer.json.get("detail", ""))


class Federation:
    def __init__(self, folder):
        self.folder = folder
        self.relays = {}
        self.devices = []
        self.profiles = {}  # (who decides, for whom): clearance, spaces
        self.ceiling = None

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    def write(self, name, data):
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as f:
            f.write(data)
        return path

    def start(self, nations, ceiling, policies):
        shutil.rmtree(self.folder, ignore_errors=True)
        os.makedirs(self.folder)
        self.ceiling = ceiling
        passphrase = self.write("passphrase", os.urandom(24).hex().encode())
        os.chmod(passphrase, 0o600)
        ports = free_ports(3 * len(nations))
        for i, nation in enumerate(nations):
            relay = Relay(nation, self.path(nation.lower()),
                          ports[3 * i:3 * i + 3], passphrase)
            relay.init(ceiling, policies)
            self.relays[nation] = relay
            relay.start()
        for relay in self.relays.values():
            if not poll("waiting for the relay of " + relay.nation,
                        relay.ready):
                raise Failure("the relay of %s is not ready\n%s"
                              % (relay.nation, relay.log_end()))

    def peer(self, a, b, profiles, spaces):
        """`a` invites, `b` accepts; each says what may pass to the other."""
        def options(giver, taker):
            key = (giver, taker)
            self.profiles[key] = (profiles[taker], spaces[key])
            path = self.write("profiles/%s-for-%s.xml" % key,
                              profiles[taker])
            out = ["--clearance", path, "--ceiling", self.ceiling]
            for space in spaces[key]:
                out += ["--space", space]
            return out

        said = self.relays[a].do("peer", "invite", b, *options(a, b))
        self.relays[b].do("peer", "accept", "-", *options(b, a),
                          given=said.json["invitation"].encode())

    def add_device(self, nation, subject, clearance, spaces, rights):
        relay = self.relays[nation]
        name = "%s-%s" % (nation.lower(), subject)
        device = Device(relay, subject, clearance, spaces,
                        self.path("devices", name))
        self.set_subject(device, clearance, rights)
        token = relay.do("device", "invite", subject).json["token"]
        os.makedirs(device.folder)
        shown = device.do("device", "enrol", "-", given=token.encode())
        device.key = shown.json["device"]
        self.devices.append(device)
        return device

    def set_subject(self, device, clearance, rights):
        device.clearance = clearance
        path = self.write("clearances/%s-%s.xml" % (
            device.relay.nation.lower(), device.subject), clearance)
        args = ["subject", "add", device.subject, "--clearance", path,
                "--rights", ",".join(rights)]
        for space in device.spaces:
            args += ["--space", space]
        device.relay.do(*args)

    def device(self, name):
        for d in self.devices:
            if d.subject == name:
                return d
        raise KeyError(name)

    def stop(self):
        for relay in self.relays.values():
            relay.end()
        for relay in self.relays.values():
            relay.stop()
