"""warm.py - the fork server of one Python interpreter (warm.h has the plan).

workerd writes this file as sitecustomize.py into a directory of its own and
starts  PYTHONPATH=DIR python -u /proc/self/fd/3 PADDING.  So it runs inside
Python's own start-up: after site has done its work and before the script.  It
imports what was asked for, puts a compiled nothing at that path, and returns:
Python goes on to its main program in C, which finds a .pyc, opens it, and asks
for its loader.  That is ours (warmrun.c), and called at the last moment before
a script is read: there it forks (warmfork.c).  In a fork a script that we know
is run by warmrun.c at once.  For others take() puts everything right that
depends on the job, lays what was compiled from the job's script under the file
that C has open, and returns to it.  No frame of ours lies under the script, and
it ends as Python ends.

On the socket (SOCK_SEQPACKET, at first our standard output):
    to us       first the list of modules and more; then FN: N forks, and
                control groups for them
    from us     \\1R MIB: ready; \\1U WORDS: unfit; \\1O: out of date; we end
                after the last two.  What has no \\1 are Python's own words.
    of a fork   \\1S and a socket (its pid is the kernel's to say): a spare,
                that waits there for its job: one message, two files
                (DIR, SCRIPT, ID, N, N arguments, the environment)
Nothing here may be imported that a cold start would not have, but for
builtins, _socket and ctypes.
"""
import sys


def serve():
    import posix as os
    import builtins
    import _imp
    import _signal
    import _socket
    import _thread
    import _weakref
    import atexit
    import gc
    import marshal
    import site
    ext = sys.modules['_frozen_importlib_external']
    osmod = sys.modules['os']
    PLACE = '/proc/self/fd/3'
    MOST = 1 << 18              # bytes of one message

    class Job:                  # what a fork is about
        code = None             # the exit code, once the script is over
        modules = None
        known, plain = {}, {}   # scripts, and their code in two ways

    # ---- our own start ----

    def tasks():
        return os.stat('/proc/self/task').st_nlink - 2

    def files():
        # The listing's own handle is among them.
        out = {}
        for n in os.listdir('/proc/self/fd'):
            try:
                out[int(n)] = os.readlink('/proc/self/fd/' + n)
            except OSError:
                pass
        return out

    def children():
        with open('/proc/self/task/%d/children' % os.getpid()) as f:
            return f.read().split()

    def memory():
        with open('/proc/self/statm') as f:
            return int(f.read().split()[1]) * os.sysconf('SC_PAGESIZE') >> 20

    def scratch(name):
        if hasattr(os, 'memfd_create'):
            return os.memfd_create(name, 0)
        fd = os.open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        os.unlink(name)
        os.set_inheritable(fd, True)
        return fd

    class Unfit(Exception):
        pass

    def same_environ(pairs):
        """What is started may be a wrapper that changes the environment, who
        knows how for another job.  Python itself may do so in one way."""
        was = dict(pair.partition(b'=')[::2] for pair in pairs)
        now = dict(os.environ)
        if was == now:
            return None
        ctype = now.pop(b'LC_CTYPE', None)
        was.pop(b'LC_CTYPE', None)
        if was != now:
            raise Unfit('it is a wrapper that changes the environment; name '
                        'the interpreter itself: ' + sys.executable)
        return ctype

    def leave_path():
        """Nothing of DIR stays, and a sitecustomize of the user's is run."""
        here = __file__.rpartition('/')[0]
        sys.modules.pop('sitecustomize', None)
        while here in sys.path:
            sys.path.remove(here)
        sys.path_importer_cache.pop(here, None)
        osmod.environ.pop('SPOOL_ID', None)
        path = osmod.environ.pop('PYTHONPATH', here)
        if path != here:
            osmod.environ['PYTHONPATH'] = path[len(here) + 1:]
        try:
            import sitecustomize  # noqa: F401
            return True
        except ImportError as e:
            if e.name != 'sitecustomize':
                raise
            return False

    def look(what, had):
        """May we fork after this import?"""
        n = tasks()
        if n > 1:
            # Pools that know of forks end their threads before one.
            pid = os.fork()
            if pid == 0:
                os._exit(0)
            os.waitpid(pid, 0)
            n = tasks()
        if n > 1:
            raise Unfit('%d threads after importing %s' % (n, what))
        for fd, path in files().items():
            if path.startswith('/dev/nvidia'):
                raise Unfit('CUDA is in use after importing ' + what)
            if fd not in had and not path.startswith('/proc/'):
                raise Unfit('%s is open after importing %s' % (path, what))
        torch = sys.modules.get('torch')
        if torch is not None and torch.cuda.is_initialized():
            raise Unfit('CUDA is in use after importing ' + what)
        if children():
            raise Unfit('processes run after importing ' + what)

    def preload(names):
        out = scratch('warm-words')
        os.dup2(out, 1)
        os.dup2(out, 2)
        had, cwd = files(), os.getcwd()
        had[out] = ''
        for name in names:
            try:
                __import__(name)
            except BaseException as e:
                raise Unfit('cannot import %s: %s: %s'
                            % (name, type(e).__name__, e))
            look(name, had)
            if os.getcwd() != cwd:
                raise Unfit('the directory changes on importing ' + name)
            for f in sys.stdout, sys.stderr:
                f.flush()
            if os.fstat(out).st_size:
                words = os.pread(out, 200, 0).decode('utf-8', 'replace')
                raise Unfit('importing %s prints %r' % (name, words))
        os.close(out)

    # ---- what others see of a process: /proc/PID/cmdline and environ ----

    def layout():
        """Where our arguments and SPOOL_ID's value lie in memory."""
        with open('/proc/self/stat', 'rb') as f:
            field = f.read().rpartition(b')')[2].split()
        arg, argend, env, envend = [int(x) for x in field[45:49]]
        fd = os.open('/proc/self/mem', os.O_RDWR | os.O_CLOEXEC)
        mark = os.pread(fd, min(envend - env, 4096), env)
        at = mark.find(b'\0SPOOL_ID=')
        os.close(fd)
        return arg, argend - arg, env + at + 10 if at >= 0 else 0

    def name_us(words):
        try:
            fd = os.open('/proc/self/mem', os.O_RDWR | os.O_CLOEXEC)
            text = b''.join(a + b'\0' for a in words)[:argroom - 1]
            os.pwrite(fd, text.ljust(argroom, b'\0'), argat)
            os.close(fd)
        except OSError:
            pass

    # ---- a fork ----

    def seeds():
        """What a job has of its own in modules that are there."""
        return [n for n in (
            'random', 'numpy.random', 'logging', 'multiprocessing.process',
            'threading')
            if n in sys.modules]

    def reseed():
        mods = sys.modules
        if 'random' in mods and not hasattr(osmod, 'register_at_fork'):
            mods['random'].seed()
        if 'numpy.random' in mods:
            mods['numpy.random'].seed()
        if 'logging' in mods:
            import time
            old = mods['logging']._startTime
            mods['logging']._startTime = (
                time.time_ns() if isinstance(old, int) else time.time())
        if 'multiprocessing.process' in mods:
            mp = mods['multiprocessing.process']
            mp.ORIGINAL_DIR = os.getcwd()
            mp.current_process()._config['authkey'] = \
                mp.AuthenticationString(os.urandom(32))
        freeze()                # what this and the fork have made is not his

    def set_environ(pairs):
        """In the order of the job's, as C and as Python see it."""
        env, raw = osmod.environ, os.environ
        pairs = [pair.partition(b'=')[::2] for pair in pairs]
        if coerced is not None:     # by Python, for want of a locale
            pairs = [p for p in pairs if p[0] != b'LC_CTYPE']
            pairs.append((b'LC_CTYPE', coerced))
        # What importing has changed, where it had found the same.
        for key, old, new in changed:
            at = [i for i, p in enumerate(pairs) if p[0] == key]
            if old == (pairs[at[0]][1] if at else None):
                if new is None:
                    del pairs[at[0]]
                elif at:
                    pairs[at[0]] = key, new
                else:
                    pairs.append((key, new))
        if [p[0] for p in pairs] != list(raw):
            for key in list(env):
                del env[key]
            raw.clear()
        data = env._data
        for key, value in pairs:
            if raw.get(key) != value:
                os.putenv(key, value)
                data[key] = raw[key] = value

    def cold(script, args):
        """Some things only a cold start says in the right words."""
        for name in 'SIGPIPE', 'SIGXFZ', 'SIGXFSZ':
            if hasattr(_signal, name):
                _signal.signal(getattr(_signal, name), _signal.SIG_DFL)
        os.execv(program, [program, '-u', script] + args)

    class Over:
        """A with-statement around the script: how does it end?"""
        def __enter__(self):
            del builtins.__spool_over__

        def __exit__(self, kind, value, tb):
            if kind is None:
                code = 0
            elif issubclass(kind, SystemExit):
                code = getattr(value, 'code', value)
                if code is None:
                    code = 0
                elif not isinstance(code, int):
                    code = 1
                elif not -1 << 31 <= code < 1 << 31:
                    return
            elif issubclass(kind, KeyboardInterrupt):
                return          # Python kills itself
            elif sys.excepthook is not sys.__excepthook__:
                return          # which may change its mind
            else:
                code = 1
            Job.code = code & 255

    def translate(text, full):
        """The script's code, to be run by C from a file that is a .pyc.  Its
        body stands in a with-statement: nothing else tells the exit code
        before Python clears itself away, which takes longer than most jobs."""
        if (text[:2] == magic[:2] or text[:2] == b'PK' or
                b'settrace' in text or b'setprofile' in text):
            raise ValueError    # these see what we do at the end
        tree = compile(text, full, 'exec', 0x400, True)  # the AST
        body, n = tree.body, 0
        kind = type(body[0]).__name__ if body else ''
        if kind == 'Expr' and isinstance(
                getattr(body[0].value, 's', None), str):
            n = 1               # the docstring
        while (n < len(body) and type(body[n]).__name__ == 'ImportFrom' and
                body[n].module == '__future__'):
            n += 1
        with_ = compile('with __spool_over__: pass', '', 'exec', 0x400,
                        True).body[0]
        if n < len(body):
            for node in (with_, with_.items[0].context_expr):
                for key in ('lineno', 'col_offset', 'end_lineno',
                            'end_col_offset'):
                    if hasattr(body[n], key):
                        setattr(node, key, getattr(body[n], key))
            with_.body = body[n:]
        body[n:] = [with_]
        return compile(tree, full, 'exec', 0, True)

    def code_of(script, full):
        """The same as it stands in a .pyc."""
        fd = os.open(script, os.O_RDONLY | os.O_CLOEXEC)
        text = os.read(fd, 1 << 16)
        if len(text) == 1 << 16:
            more = text
            while more:
                more = os.read(fd, 1 << 20)
                text += more
        os.close(fd)
        if text in Job.known:
            code = Job.known[text]
            _imp._fix_co_filename(code, full)
            text = None
        else:
            code = translate(text, full)
        return magic + marshal.dumps(code), text

    def teach(text):
        """What was run without a word is known to those that come after us."""
        if text is not None and len(text) < 1 << 16:
            try:                # a message of no length is an end
                os.write(taught, b'=' + text)
            except OSError:
                pass

    def learn():
        """Scripts come again and again."""
        had = len(Job.known)
        try:
            while True:
                text = os.read(learns, 1 << 17)[1:]
                if text in Job.known:
                    continue
                code = compile(text, '<script>', 'exec', 0, True)
                if not fork.spool_warm_know(text, len(text), id(code)):
                    fork.spool_warm_know(None, 0, None)
                    Job.known.clear()
                    Job.plain.clear()
                    fork.spool_warm_know(text, len(text), id(code))
                Job.known[text] = translate(text, '<script>')
                Job.plain[text] = code
        except BlockingIOError:
            pass
        except BaseException:   # it compiled before
            pass
        if len(Job.known) != had:
            freeze()

    class Heard:                # was there a warning?
        said = False

        def write(self, text):
            self.said = True

        def flush(self):
            pass

    def take(text):
        """Become the process of this job; what loads its script."""
        os.close(3)
        os.close(learns)
        part = text.split(b'\0')
        n = 4 + int(part[3])
        args = []               # a comprehension would make a function
        for arg in part[4:n]:
            args.append(arg.decode(fscode, 'surrogateescape'))
        script = part[1].decode(fscode, 'surrogateescape')
        here = os.getcwd()
        full = script
        if sys.version_info >= (3, 9):
            full = here + '/' + script
        if not Job.place.told:
            set_environ(part[n:])
        if Job.place.stale:
            cold(script, args)
        heard, err = Heard(), sys.stderr
        sys.stderr = heard
        try:
            code, text = code_of(script, full)
        except BaseException:
            heard.said = True
        sys.stderr = err
        if heard.said:
            cold(script, args)
        teach(text)
        os.close(taught)
        reseed()
        fd = scratch('.spool-warm')
        os.write(fd, code)
        os.lseek(fd, 0, 0)
        os.dup2(fd, opened)     # which C has not read from yet
        os.close(fd)
        builtins.__spool_over__ = Over()
        if os.lstat(script).st_mode & 0o170000 == 0o120000:
            here = osmod.path.dirname(osmod.path.realpath(os.readlink(script)))
        site.ENABLE_USER_SITE = user
        Job.modules = newest(sys.modules)
        sys.modules['__main__'].__file__ = full
        sys.argv = [script] + args
        if hasattr(sys, 'orig_argv'):
            sys.orig_argv = [program, '-u', script] + args
        if not getattr(sys.flags, 'safe_path', False):
            sys.path[0] = here
        sys.path_importer_cache.pop(PLACE, None)
        sys.path_importer_cache[full] = None
        return ext.SourceFileLoader('__main__', full)

    # ---- what warmrun.c calls ----

    def begin():
        nonlocal opened
        ext.SourcelessFileLoader = sourceless
        sys.path_importer_cache.pop(PLACE, None)
        try:
            opened = [fd for fd in range(4, 10)
                      if same_file(fd, 3)][0]
            if hurry_is():
                hurry()
            settle()
            site.ENABLE_USER_SITE = user
            Job.modules = newest(sys.modules)
            control.send(b'\1R%d' % memory())
        except BaseException as e:
            give_up('%s: %s' % (type(e).__name__, e))
        return 0

    def stop():
        give_up('%d threads' % tasks())

    def take_it(text):
        try:
            return take(text)
        except BaseException:
            part = [x.decode(fscode, 'surrogateescape')
                    for x in text.split(b'\0')]
            cold(part[1], part[4:4 + int(part[3])])

    def over(kind, value, tb):
        Over.__exit__(None, kind, value, tb)

    # ---- the end of a fork ----

    def end():
        """The last of all atexit functions.  What Python would do now touches
        every page of what we imported, and takes several times as long as the
        rest; so do here what the script could see of it: let go of its
        modules, flush, and end.  Where that may not be the same, go back."""
        code = Job.code
        if (code is None or _thread._count() > 0 or wordy() or
                'PYTHONINSPECT' in osmod.environ):
            return
        for o in gc.get_objects():
            if isinstance(o, type) and '__del__' in o.__dict__:
                return
        o = None
        try:
            for f in sys.stdout, sys.stderr:
                if f is not None and not f.closed:
                    f.flush()
        except BaseException:
            return
        if only_plain():
            exit(code)
        sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__
        sys.path = sys.meta_path = sys.path_hooks = None
        for key in 'last_type', 'last_value', 'last_traceback', 'last_exc':
            if hasattr(sys, key):
                setattr(sys, key, None)
        # Before the collector may end a file below its buffers.
        flush_files()
        mods, left = sys.modules, []
        names = ['__main__', '__mp_main__']
        if Job.modules is None or newest(mods) != Job.modules:
            names += [n for n in mods if n not in early]
        for name in names:
            if name not in mods:
                continue
            try:
                left.append(_weakref.ref(mods[name]))
            except TypeError:
                pass
            mods[name] = None
        gc.collect()
        for ref in reversed(left):
            clear_module(ref())
        gc.collect()
        flush_files()
        if fork.spool_warm_loaded() != loaded:  # it has some of its own
            libc['__cxa_finalize'](None)
        exit(code)

    def wordy():
        """Does Python have something to say at its very end?"""
        return (getattr(sys.flags, 'dev_mode', False) or sys.warnoptions or
                'PYTHONMALLOCSTATS' in osmod.environ)

    def only_plain():
        """Nothing is there that would notice its end."""
        if newest(sys.modules) != Job.modules:
            return False
        left = 1000
        for o in gc.get_objects():
            kind = type(o)
            if kind not in plain:
                return False
            values = (o.values() if kind is dict else
                      o if kind is list or kind is tuple else ())
            left -= len(values) + 1
            if left < 0:
                return False
            for value in values:
                if type(value) not in plain:
                    return False
        return True

    def newest(mods):
        # Looking at each of them would copy the page that it is on.
        try:
            return len(mods), next(reversed(mods))
        except TypeError:       # before 3.8
            return None

    def flush_files():
        for o in gc.get_objects():
            if isinstance(o, iobase):
                try:
                    if not o.closed and o.writable():
                        o.flush()
                except BaseException:
                    pass

    def clear_module(mod):
        """As Python clears those that something still holds."""
        names = getattr(mod, '__dict__', None)
        if type(names) is not dict:
            return
        for private in True, False:
            for name in list(names):
                if (isinstance(name, str) and name != '__builtins__' and
                        private == (name[:1] == '_' and name[1:2] != '_')):
                    names[name] = None

    # ---- the server ----

    def words(names):
        """A list for C."""
        return b'\0'.join([n.encode(fscode, 'surrogateescape')
                           for n in names if n] + [b'', b''])

    def libraries():
        """C's, Python's and ours."""
        import ctypes

        number, pointer = ctypes.c_int, ctypes.c_void_p

        class Place(ctypes.Structure):      # warmfork.c's
            _fields_ = [
                ('control', number), ('pid', number),
                ('text', pointer), ('room', ctypes.c_size_t),
                ('program', ctypes.c_char_p),
                ('args', pointer), ('args_room', ctypes.c_size_t),
                ('id', pointer), ('watched', ctypes.c_char_p),
                ('shadowed', ctypes.c_char_p), ('extra', ctypes.c_char_p),
                ('environ', pointer * 2),
                ('stale', number), ('told', number)]

        class Run(ctypes.Structure):        # warmrun.c's
            _fields_ = [(n, pointer) for n in (
                'place', 'begin', 'learn', 'stop', 'take', 'over', 'module', 'main', 'loader',
                'state', 'modules', 'path', 'importers', 'rename', 'reseed',
                'threads', 'registered', 'objects', 'none', 'freeze', 'dice',
                'logging', 'process', 'config', 'secret', 'plain')] + [
                ('ours', number * 3)] + [(n, number) for n in (
                    'whole', 'here', 'orig', 'signals', 'whole_ns')]
        try:
            libc = ctypes.PyDLL(None)
            fork = ctypes.PyDLL(__file__.rpartition('/')[0] + '/warmfork.so')
            fork.spool_warm_loader.argtypes = pointer,
            fork.spool_warm_loader.restype = ctypes.py_object
            fork.spool_warm_know.argtypes = (
                ctypes.c_char_p, ctypes.c_size_t, pointer)
            fork.spool_warm_type_is.argtypes = pointer, pointer
            fork.spool_warm_same.argtypes = pointer,
            fork.spool_warm_loaded.restype = ctypes.c_ulonglong
            for f in libc.PyObject_GC_Track, libc.PyObject_GC_UnTrack:
                f.argtypes, f.restype = [ctypes.py_object], None
            Job.text = ctypes.create_string_buffer(MOST)
            Job.place = Place(
                10, worker, ctypes.addressof(Job.text), MOST,
                program.encode(fscode), argat, argroom, idat)
            Job.at = ctypes.addressof(Job.place)
            Job.run, Job.told = Run(Job.at), []
            Job.pointer, Job.address = pointer, ctypes.addressof
        except Exception as e:
            raise Unfit('its ctypes does not do: %s' % e)
        if b'LD_PRELOAD' not in os.environ:
            fork.spool_warm_end()
        plain.add(type(fork.spool_warm_pack))
        return libc, fork

    def fill():
        """Use up the room between what we have, for what is put there in a
        fork is spread over as many pages as there are holes.  What is next of
        each size stands at the start of a pool, beside what says so."""
        out = []
        pool = 16384 if sys.version_info >= (3, 10) else 4096
        for size in range(-17, 512 - 33, 16):
            for n in range(50000):
                out.append(object() if size < -1 else float(n) if size < 0
                           else bytes(size))
                if id(out[-1]) & pool - 1 < 64:
                    break
        return out

    def settle():
        """What we have need not be looked through by each fork, nor be copied
        for that.  But the script's own module must be."""
        # What a job puts others in place of: to free them is to copy them.
        main = sys.modules['__main__'].__dict__
        Job.old = [list(x) + [x] for x in (
            sys.argv, getattr(sys, 'orig_argv', []), sys.path[:1],
            [main.get('__file__'), main.get('__loader__')])]
        # What Python makes when it is first asked to compile.
        translate(b'', '')
        gc.collect()
        Job.full = fill()
        freeze()
        if b'LD_PRELOAD' not in os.environ:
            fork.spool_warm_end()
        fork.spool_warm_pack()

    def freeze():
        if hasattr(gc, 'freeze'):
            gc.freeze()
            main = sys.modules['__main__']
            for o in main, main.__dict__:
                libc.PyObject_GC_UnTrack(o)
                libc.PyObject_GC_Track(o)

    def tell(**objects):
        """What warmrun.c is to know."""
        Job.told.append(objects)
        for name in objects:
            setattr(Job.run, name, id(objects[name]))

    def hurry():
        """It may run scripts by itself."""
        main = sys.modules['__main__']
        full = ext.SourceFileLoader('__main__', '')
        types = [dict, list, tuple] + list(plain) + [None]
        Job.types = (Job.pointer * len(types))(
            *[t and id(t) for t in types])
        tell(over=over, loader=full, state=full.__dict__,
             modules=sys.modules, path=sys.path,
             importers=sys.path_importer_cache, none=None,
             rename=_imp._fix_co_filename, threads=_thread._count,
             registered=atexit._ncallbacks, objects=gc.get_objects)
        run = Job.run
        if seeds():
            tell(reseed=reseed)
            quick_seeds(run)
        # Held by us, they would not go when Python lets go of them.
        run.module, run.main = id(main), id(main.__dict__)
        run.plain = Job.address(Job.types)
        run.whole = sys.version_info >= (3, 9)
        run.here = not getattr(sys.flags, 'safe_path', False)
        run.orig = hasattr(sys, 'orig_argv')
        run.signals = sys.version_info >= (3, 8)

    def dice():
        """Where numpy.random keeps what it knows; None: elsewhere."""
        import ctypes
        random = sys.modules['numpy.random']
        random.seed()           # as each job would have to
        its = random.mtrand._rand._bit_generator
        if (type(its).__name__ != 'MT19937' or its._seed_seq is not None or
                getattr(its, 'seed_seq', None) is not None):
            return None
        of = ctypes.PYFUNCTYPE(Job.pointer, ctypes.py_object, ctypes.c_char_p)(
            ('PyCapsule_GetPointer', ctypes.pythonapi))
        at = Job.pointer.from_address(of(its.capsule, b'BitGenerator')).value
        kind, words, pos, gauss, _ = random.get_state()
        size = ctypes.sizeof(ctypes.c_uint32) * 624
        if (kind == 'MT19937' and gauss == 0 and
                ctypes.string_at(at, size) == words.tobytes() and
                ctypes.c_int.from_address(at + size).value == pos):
            return at
        return None

    def quick_seeds(run):
        """What reseed() does, in C."""
        mods, quick = sys.modules, {}
        try:
            if not hasattr(osmod, 'register_at_fork'):
                return
            if 'numpy.random' in mods:
                at = dice()
                if at is None:
                    return
                run.dice = at
            if 'logging' in mods:
                quick['logging'] = mods['logging'].__dict__
                run.whole_ns = isinstance(mods['logging']._startTime, int)
            if 'multiprocessing.process' in mods:
                mp = mods['multiprocessing.process']
                quick['process'] = mp.__dict__
                quick['config'] = mp.current_process()._config
                quick['secret'] = mp.AuthenticationString
            tell(freeze=gc.freeze, **quick)
        except Exception:
            pass

    def hurry_is():
        """Do we know how Python would end?"""
        return (hasattr(atexit, '_ncallbacks') and not wordy() and
                fork.spool_warm_type_is(id(Job.text), id(type(Job.text))))

    def same_file(a, b):
        try:
            return osmod.path.samestat(os.fstat(a), os.fstat(b))
        except OSError:
            return False

    plain = {type(o) for o in (
        0, 0., '', b'', True, None, Ellipsis, (), [], {}, len, serve, sys,
        sys.__spec__)}
    plain.add(ext.SourceFileLoader)
    opened = -1
    fscode = sys.getfilesystemencoding()
    magic = ext.MAGIC_NUMBER + b'\0' * (
        12 if sys.version_info >= (3, 7) else 8)
    iobase = sys.modules['_io']._IOBase
    program, exit = sys.executable, None
    user = site.ENABLE_USER_SITE
    os.dup2(1, 10)
    control = _socket.socket(
        _socket.AF_UNIX, _socket.SOCK_SEQPACKET, 0, 10)
    os.dup2(2, 1)
    named, changed, server = [], [], os.getpid()

    def give_up(words):
        control.send(b'\1U' + words.encode('utf-8', 'replace')[:400])
        os._exit(0)

    try:
        part = control.recv(MOST).split(b'\0')
        worker, program = int(part[0]), part[1].decode(fscode)
        if os.getppid() != worker:
            raise Unfit('it is a wrapper that starts Python as a process of '
                        'its own; name the interpreter itself')
        at = 4 + int(part[2])
        names = [x.decode() for x in part[4:at]]
        coerced = same_environ(part[at:at + int(part[3])])
        argat, argroom, idat = layout()
        atexit.register(end)
        libc, fork = libraries()
        exit = libc.exit
        real = leave_path()
        if user:
            site.execusercustomize()
            site.ENABLE_USER_SITE = False
        before = set(sys.modules) - {'ctypes'}
        found = dict(osmod.environb)
        preload(names)
        now = dict(osmod.environb)
        changed = [(k, found.get(k), now.get(k)) for k in list(now) + [
            k for k in found if k not in now] if found.get(k) != now.get(k)]
        shadowed = {n.partition('.')[0] for n in set(sys.modules) - before}
        if sys.version_info >= (3, 13):
            # Python has words for this, that name the script's directory.
            shadowed.update(sys.stdlib_module_names)
        shadowed -= set(sys.builtin_module_names)
        named = [sys.modules[n].__file__ for n in names
                 if getattr(sys.modules[n], '__file__', None)]
        name_us([b'workerd-warm'] + part[4:at])
        # Few variables differ from one job to the next.
        osmod.environ.clear()
        set_environ(part[at + int(part[3]):])
        place, data = Job.place, osmod.environ._data
        place.watched = words([sys.executable] + sys.path + named)
        place.shadowed = words(shadowed)
        place.extra = words(
            ([] if coerced is None else ['LC_CTYPE=']) +
            [k.decode(fscode, 'surrogateescape') + '=' for k, _, _ in changed])
        if not [k for k, old, new in changed
                if old is not None or new is None]:
            place.environ[0] = id(data)
            if os.environ is not data:
                place.environ[1] = id(os.environ)
        fork.spool_warm_same(Job.at)
        early, loaded = frozenset(sys.modules), fork.spool_warm_loaded()
        fd = scratch('.spool-warm')
        os.write(fd, magic + marshal.dumps(translate(b'', '')))
        if fd != 3:
            os.dup2(fd, 3)
            os.close(fd)
        ends = _socket.socketpair(_socket.AF_UNIX, _socket.SOCK_SEQPACKET)
        for end_ in ends:
            end_.setblocking(False)
        learns, taught = ends[0].detach(), ends[1].detach()
        sourceless = ext.SourcelessFileLoader
        for i, fd in enumerate((3, learns, taught)):
            Job.run.ours[i] = fd
        tell(begin=begin, learn=learn, stop=stop, take=take_it)
        ext.SourcelessFileLoader = fork.spool_warm_loader(
            Job.address(Job.run))
        sys.path_importer_cache[PLACE] = None
        # What would go away when a fork returns from loader is copied for it.
        Job.keep = dict(locals()), globals()
    except Unfit as e:
        give_up(str(e))
    except BaseException as e:
        give_up('%s: %s' % (type(e).__name__, e))
    if not real:
        raise ImportError('no', name='sitecustomize')


serve()
