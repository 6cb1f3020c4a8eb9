# SPDX-License-Identifier: GPL-2.0
# make install: DESTDIR is put in front of every path, PREFIX is where the programs will run.

SBINDIR := $(DESTDIR)$(PREFIX)/sbin
BINDIR  := $(DESTDIR)$(PREFIX)/bin
MANDIR  := $(DESTDIR)$(PREFIX)/share/man
PYDIR   := $(DESTDIR)$(PREFIX)/lib/python$(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])')/dist-packages
INCDIR  := $(DESTDIR)$(PREFIX)/include
LIBDIR  := $(DESTDIR)$(PREFIX)/lib

MAN_SRC := $(wildcard Documentation/man/*.txt)
MAN_8   := $(BUILD)/man/criu.8
MAN_1   := $(BUILD)/man/crit.1 $(BUILD)/man/compel.1

.PHONY: man
man: $(MAN_8) $(MAN_1)

$(BUILD)/man/%.8 $(BUILD)/man/%.1: Documentation/man/%.txt
	@mkdir -p $(@D)
	$(Q)asciidoctor -b manpage -o $@ $<

install: all
	install -D -m 755 $(CRIU_BIN) $(SBINDIR)/criu
	install -D -m 755 $(COMPEL_BIN) $(BINDIR)/compel
	install -D -m 755 lib/py/crit $(BINDIR)/crit
	install -d $(PYDIR)/pycriu/images $(INCDIR)/compel $(LIBDIR)
	install -m 644 lib/py/pycriu/*.py $(PYDIR)/pycriu/
	install -m 644 lib/py/pycriu/images/*.py $(PYDIR)/pycriu/images/
	cp -r compel/include/compel/. $(INCDIR)/compel/
	install -m 644 $(COMPEL_LIB) $(LIBDIR)/
	if command -v asciidoctor >/dev/null; then $(MAKE) install-man; else echo "no asciidoctor: no man pages"; fi

.PHONY: install-man
install-man: man
	install -D -m 644 -t $(MANDIR)/man8 $(MAN_8)
	install -D -m 644 -t $(MANDIR)/man1 $(MAN_1)
