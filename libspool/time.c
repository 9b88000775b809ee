/*
 * time.c - moments as text and back: UTC milliseconds since 1970 and
 * RFC 3339.  Pure; nobody here looks at a clock.
 */
#include <stdio.h>
#include <string.h>

#include "libspool/json.h"

#define DAY_MS   86400000LL
#define YEAR0_MS (-62135596800000LL) /* 0001-01-01T00:00:00.000Z */
#define YEARX_MS 253402300799999LL   /* 9999-12-31T23:59:59.999Z */

/* Days since 1970-01-01 of a date in the Gregorian calendar: years are counted
 * from March, so that the leap day is the last of its year. */
static int64_t
days_of(int year, int month, int day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t yoe = y - era * 400;
	int64_t doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static void
date_of(int64_t days, int *year_out, int *month_out, int *day_out)
{
	int64_t z = days + 719468;
	int64_t era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t doe = z - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int64_t mp = (5 * doy + 2) / 153;

	*day_out = (int)(doy - (153 * mp + 2) / 5 + 1);
	*month_out = (int)(mp < 10 ? mp + 3 : mp - 9);
	*year_out = (int)(yoe + era * 400 + (*month_out <= 2));
}

void
sp_time_print(int64_t ms, char text_out[25])
{
	int64_t days, rest;
	int year, month, day;
	char text[64];

	if (ms < YEAR0_MS)
		ms = YEAR0_MS;
	if (ms > YEARX_MS)
		ms = YEARX_MS;
	days = ms / DAY_MS;
	rest = ms % DAY_MS;
	if (rest < 0) {
		rest += DAY_MS;
		days--;
	}
	date_of(days, &year, &month, &day);
	(void)snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ",
	    year, month, day, (int)(rest / 3600000), (int)(rest / 60000 % 60),
	    (int)(rest / 1000 % 60), (int)(rest % 1000));
	memcpy(text_out, text, 24);
	text_out[24] = '\0';
}

/* `n` digits, moving on; -1 if they are none. */
static int
digits(const char **at, int n)
{
	int v = 0;

	for (; n > 0; n--, (*at)++) {
		if (**at < '0' || **at > '9')
			return -1;
		v = v * 10 + (**at - '0');
	}
	return v;
}

static bool
mark(const char **at, const char *any)
{
	if (**at == '\0' || strchr(any, **at) == NULL)
		return false;
	(*at)++;
	return true;
}

static bool
date_parse(const char **at, int64_t *days_out)
{
	static const int length[] = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31,
		30, 31 };
	int y, m, d;
	bool leap;

	if ((y = digits(at, 4)) < 1 || !mark(at, "-") ||
	    (m = digits(at, 2)) < 1 || m > 12 || !mark(at, "-") ||
	    (d = digits(at, 2)) < 1 || d > length[m - 1])
		return false;
	leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
	if (m == 2 && d == 29 && !leap)
		return false;
	*days_out = days_of(y, m, d);
	return true;
}

/* ":ss" and ".fff…", both optional; digits after the third are cut off.  A leap
 * second (60) is the next minute's first. */
static bool
seconds_parse(const char **at, int64_t *ms_out)
{
	int s = 0, frac = 0, unit = 100;

	if (mark(at, ":")) {
		if ((s = digits(at, 2)) < 0 || s > 60)
			return false;
		if (mark(at, ".,")) {
			if (**at < '0' || **at > '9')
				return false;
			for (; **at >= '0' && **at <= '9'; (*at)++) {
				frac += (**at - '0') * unit;
				unit /= 10;
			}
		}
	}
	*ms_out = s * 1000 + frac;
	return true;
}

/* "", "Z" or "+hh:mm": minutes that local time is ahead. */
static bool
zone_parse(const char *at, int *minutes_out)
{
	int h, m, sign;

	*minutes_out = 0;
	if (*at == '\0')
		return true;
	if (mark(&at, "Zz"))
		return *at == '\0';
	sign = *at == '-' ? -1 : 1;
	if (!mark(&at, "+-") || (h = digits(&at, 2)) < 0 || h > 23 ||
	    !mark(&at, ":") || (m = digits(&at, 2)) < 0 || m > 59)
		return false;
	*minutes_out = sign * (h * 60 + m);
	return *at == '\0';
}

bool
sp_time_parse(const char *text, int64_t *ms_out)
{
	const char *at = text;
	int64_t days, ms;
	int h, m, zone;

	if (!date_parse(&at, &days) || !mark(&at, "Tt ") ||
	    (h = digits(&at, 2)) < 0 || h > 23 || !mark(&at, ":") ||
	    (m = digits(&at, 2)) < 0 || m > 59 || !seconds_parse(&at, &ms) ||
	    !zone_parse(at, &zone))
		return false;
	*ms_out = days * DAY_MS + (h * 60 + m - zone) * 60000LL + ms;
	return true;
}
