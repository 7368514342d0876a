import Foundation
import Linux
import TestSupport
import Testing

/// What people run in a cell must not notice the filters.
@Suite struct HonestProgramTests {
    struct Program: Sendable, CustomTestStringConvertible {
        let name: String
        let words: [String]
        let says: String

        init(_ name: String, _ words: [String], says: String) {
            (self.name, self.words, self.says) = (name, words, says)
        }

        static func shell(_ name: String, _ script: String, says: String) -> Program {
            Program(
                name, ["/bin/sh", "-euc", "cd \"$(mktemp -d)\"; trap 'rm -rf \"$PWD\"' EXIT; \(script)"],
                says: says)
        }

        static func python(_ name: String, _ script: String, says: String) -> Program {
            Program(name, ["/usr/bin/python3", "-c", script], says: says)
        }

        var testDescription: String { name }
    }

    static let shells: [Program] = [
        .shell("pipes", "seq 100 | grep 7 | sort -rn | head -1", says: "97"),
        .shell("jobs", "sleep 0 & wait $!; (exit 3) || echo $?", says: "3"),
        .shell("bash", "bash -c 'cat <(echo in) && kill -0 $$ && echo done'", says: "in\ndone"),
        .shell(
            "tar",
            "echo x >f; mkfifo p; tar czf a.tgz f p; mkdir o; tar xzf a.tgz -C o; cat o/f; test -p o/p",
            says: "x"),
        .shell("find", "mkdir -p a/b; touch a/b/c; find . -name c -exec echo {} +", says: "./a/b/c"),
        .shell(
            "copies", "echo x >f; cp -a --reflink=auto f g; ln g h; ln -s h i; mv i j; cat j; stat -c %h g",
            says: "x\n2"),
        .shell("sort", "seq 20000 | shuf | sort -n --parallel=2 -S 1M | tail -1", says: "20000"),
        .shell(
            "make", "printf 'all: a b\\na b:\\n\\t@touch $@\\n' >Makefile; make -sj2; ls a b", says: "a\nb"),
        .shell(
            "time limits", "timeout 5 sh -c 'ulimit -n 64; ulimit -n'; nice -n 5 taskset 1 echo pinned",
            says: "64\npinned"),
        .shell(
            "gcc",
            """
            echo '#include <stdio.h>
            #include <pthread.h>
            static void *f(void *p) { return p; }
            int main(void) { pthread_t t; int r = pthread_create(&t, 0, f, 0) | pthread_join(t, 0);
                puts(r ? "no thread" : "hello"); }' >h.c
            gcc -O1 -pthread -o h h.c && ./h
            """, says: "hello"),
        .shell(
            "git",
            """
            export HOME="$PWD" GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
            git init -q r; cd r; echo x >f; git add f; git commit -qm one; git gc -q; git clone -q . ../s
            git -C ../s log --format=%s; cd ..
            """, says: "one"),
        .shell(
            "perl", "perl -e 'print 6*7, chr(10); system(q(echo), q(sub)); print qx(echo $$) > 0, chr(10)'",
            says: "42\nsub\n1"),
        .shell("locks", "flock lock sh -c 'flock -n lock true || echo held'", says: "held"),
    ]

    static let pythons: [Program] = [
        .python(
            "processes",
            "import subprocess as s; print(s.run('echo out',shell=True,capture_output=True,text=True).stdout.strip())",
            says: "out"),
        .python(
            "threads",
            "from concurrent.futures import ThreadPoolExecutor as P; print(sum(P(8).map(int,range(100))))",
            says: "4950"),
        .python(
            "multiprocessing", "import multiprocessing as m; print(m.Pool(2).map(abs,[-1,-2]))",
            says: "[1, 2]"),
        .python(
            "database",
            "import sqlite3,tempfile,os; d=tempfile.mkdtemp(); c=sqlite3.connect(d+'/x'); c.execute('pragma journal_mode=wal'); c.execute('create table t(a)'); c.execute('insert into t values(5)'); c.commit(); print(c.execute('select a from t').fetchone()); c.close(); os.system('rm -r '+d)",
            says: "(5,)"),
        .python(
            "socket pairs", "import socket; a,b=socket.socketpair(); a.send(b'hi'); print(b.recv(9))",
            says: "b'hi'"),
        .python(
            "loops",
            "import asyncio\nasync def f():\n p=await asyncio.create_subprocess_exec('true'); return await p.wait()\nprint(asyncio.run(f()))",
            says: "0"),
        .python(
            "loopback",
            """
            import http.server as h, threading, urllib.request as u
            class H(h.BaseHTTPRequestHandler):
                def do_GET(s): s.send_response(200); s.end_headers(); s.wfile.write(b'served')
                def log_message(*a): pass
            s=h.ThreadingHTTPServer(('127.0.0.1',0),H); threading.Thread(target=s.serve_forever,daemon=True).start()
            print(u.urlopen('http://localhost:%d/'%s.server_port,timeout=9).read().decode())
            """, says: "served"),
        .python(
            "shared memory",
            "from multiprocessing import shared_memory as s; m=s.SharedMemory(create=True,size=9); m.buf[0]=7; print(m.buf[0]); m.close(); m.unlink()",
            says: "7"),
        .python(
            "signals", "import signal,os; signal.signal(10,lambda *a:print('got')); os.kill(os.getpid(),10)",
            says: "got"),
        .python(
            "memory files",
            "import os,mmap; f=os.memfd_create('x'); os.ftruncate(f,4096); print(len(mmap.mmap(f,4096)))",
            says: "4096"),
    ]

    @Test("A program works as if there were no filter", arguments: shells + pythons)
    func works(_ program: Program) throws {
        let end = try Walled.program(program.words)
        #expect(end.output.trimmingCharacters(in: .newlines) == program.says, "\(end.errors)")
        #expect(end.status == .exited(0), "\(end.errors)")
    }

    @Test("A program that is refused something is told so, and lives")
    func told() throws {
        let script = """
            import ctypes, errno, socket
            c = ctypes.CDLL(None, use_errno=True)
            print(c.unshare(0x10000000), errno.errorcode[ctypes.get_errno()])
            try: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)
            except OSError as e: print(errno.errorcode[e.errno])
            """
        let end = try Walled.program(["/usr/bin/python3", "-c", script])
        #expect(end.output == "-1 EPERM\nEAFNOSUPPORT\n")
        #expect(try Walled.program(["/usr/bin/python3", "-c", script], filters: "none").output != end.output)
    }
}
