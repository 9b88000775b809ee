/*
 * plan.c - plans from seeds and from scripts.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/model/plan.h"

/* ---- from a seed ---- */

static uint32_t
dice(uint64_t *at, uint32_t n)
{
	*at = model_mix(*at);
	return (uint32_t)(*at >> 33) % n;
}

static void
slot_add(struct plan *p, enum role role, int host)
{
	p->slot[p->n].role = role;
	p->slot[p->n++].host = host;
}

/* How a host is afflicted: of a million calls. */
static void
rates_make(struct plan *p, uint64_t *at)
{
	static const uint32_t switches[] = { 0, 3000, 30000, 150000 };
	static const uint32_t faults[] = { 0, 100, 400, 1500 };
	int k;

	p->rate[EV_SWITCH] = switches[dice(at, 4)];
	for (k = EV_STALL; k < EV_KINDS; k++)
		p->rate[k] = faults[dice(at, 4)];
	/* What takes many with it, is rare. */
	p->rate[EV_CUT] /= 4;
	p->rate[EV_HOST] /= 2;
	if (dice(at, 5) == 0) { /* a bad mains */
		p->rate[EV_CUT] = 500 + dice(at, 3000);
		p->rate[EV_CRASH] += 1000;
	}
}

void
plan_make(uint64_t seed, struct plan *p)
{
	uint64_t at = seed * 7919 + 17;
	int i, n;

	(void)memset(p, 0, sizeof *p);
	p->seed = seed;
	p->orders = 8 + (int)dice(&at, 33);
	p->journal = dice(&at, 3) == 0;
	p->soft = dice(&at, 2) == 0;
	p->hosts = dice(&at, 2) == 0 ? 1 : 2 + (int)dice(&at, 3);
	/* What others change where the disk lies, an NFS client cannot sync. */
	p->journal = p->journal || p->hosts > 1;
	p->cache = (int)dice(&at, 3) * 8000;
	for (i = 0; i < HOSTS_MOST; i++)
		p->skew[i] =
		    dice(&at, 3) == 0 ? (int)dice(&at, 7200) - 3600 : 0;
	slot_add(p, SUBMITTER, (int)dice(&at, (uint32_t)p->hosts));
	if (dice(&at, 2) == 0)
		slot_add(p, DROPPER, (int)dice(&at, (uint32_t)p->hosts));
	n = 1 + (int)dice(&at, 3);
	for (i = 0; i < n; i++)
		slot_add(p, WORKER, (int)dice(&at, (uint32_t)p->hosts));
	n = (int)dice(&at, 3);
	for (i = 0; i < n; i++)
		slot_add(p, KEEPER, (int)dice(&at, (uint32_t)p->hosts));
	if (dice(&at, 3) == 0)
		slot_add(p, CANCELLER, (int)dice(&at, (uint32_t)p->hosts));
	rates_make(p, &at);
}

/* ---- scripts ---- */

void
plan_print(const struct plan *p, const struct event *events, size_t n)
{
	size_t k;
	int i;

	printf("seed %llu\norders %d\njournal %d\nsoft %d\ncache %d\n",
	    (unsigned long long)p->seed, p->orders, p->journal, p->soft,
	    p->cache);
	if (p->nosync[0] != '\0')
		printf("nosync %s\n", p->nosync);
	for (i = 0; i < HOSTS_MOST; i++)
		if (p->skew[i] != 0)
			printf("skew %d %d\n", i, p->skew[i]);
	for (i = 0; i < p->n; i++)
		printf("%s %d host %d%s\n", role_text[p->slot[i].role], i,
		    p->slot[i].host, p->slot[i].off ? " off" : "");
	for (k = 0; k < n; k++)
		printf("at %u call %u %s %u\n", events[k].slot, events[k].nth,
		    event_text[events[k].kind], events[k].arg);
}

static int
word_of(const char *word, const char *const *words, int n)
{
	int i;

	for (i = 0; i < n; i++)
		if (strcmp(word, words[i]) == 0)
			return i;
	return -1;
}

static bool
line_take(const char *line, struct plan *p, struct event *events, size_t *n)
{
	char word[32] = "", off[8] = "";
	unsigned a, b, c;
	int i, host, kind;
	unsigned long long seed;

	if (sscanf(line, "seed %llu", &seed) == 1)
		p->seed = seed;
	else if (sscanf(line, "orders %d", &i) == 1 && i <= ORDERS_MOST)
		p->orders = i;
	else if (sscanf(line, "journal %d", &i) == 1)
		p->journal = i != 0;
	else if (sscanf(line, "soft %d", &i) == 1)
		p->soft = i != 0;
	else if (sscanf(line, "cache %d", &i) == 1)
		p->cache = i;
	else if (sscanf(line, "nosync %47[^\n]", p->nosync) == 1)
		return true;
	else if (sscanf(line, "skew %d %d", &host, &i) == 2 && host >= 0 &&
	    host < HOSTS_MOST)
		p->skew[host] = i;
	else if (sscanf(line, "at %u call %u %31s %u", &a, &b, word, &c) == 4 &&
	    (kind = word_of(word, event_text, EV_KINDS)) != -1 &&
	    *n < EVENTS_MOST && a < SLOTS_MOST)
		events[(*n)++] = (struct event){ .slot = (uint8_t)a,
			.nth = b,
			.kind = (uint8_t)kind,
			.arg = c };
	else if (sscanf(line, "%31s %u host %d %7s", word, &a, &host, off) >=
		3 &&
	    (kind = word_of(word, role_text, ROLES)) != -1 &&
	    a == (unsigned)p->n && a < SLOTS_MOST && host >= 0 &&
	    host < HOSTS_MOST) {
		slot_add(p, (enum role)kind, host);
		p->slot[a].off = strcmp(off, "off") == 0;
	} else
		return line[0] == '#' || line[0] == '\n';
	return true;
}

bool
plan_read(const char *path, struct plan *p, struct event events[EVENTS_MOST],
    size_t *n)
{
	FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "r");
	char line[256];
	bool ok = f != NULL;

	(void)memset(p, 0, sizeof *p);
	*n = 0;
	if (!ok)
		fprintf(stderr, "model: cannot read %s\n", path);
	while (ok && fgets(line, sizeof line, f) != NULL)
		if (!(ok = line_take(line, p, events, n)))
			fprintf(stderr, "model: %s: not understood: %s", path,
			    line);
	if (f != NULL && f != stdin)
		(void)fclose(f);
	return ok;
}
