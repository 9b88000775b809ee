/*
 * nothing.c - a job that does nothing, with an argument as without one.
 * /bin/true with an argument, as a job has, first reads the dozen files of its
 * locale, which takes it longer than all else.
 */
int
main(void)
{
	return 0;
}
