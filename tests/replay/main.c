/*
 * main.c - replay FILE...: each file through a fuzz target, once, where there
 * is no fuzzer: for gcov.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define MOST (1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
main(int argc, char **argv)
{
	uint8_t *text = malloc(MOST);
	size_t size;
	FILE *f;
	int i;

	if (text == NULL)
		return 1;
	for (i = 1; i < argc; i++) {
		if ((f = fopen(argv[i], "rb")) == NULL) {
			perror(argv[i]);
			return 1;
		}
		size = fread(text, 1, MOST, f);
		(void)fclose(f);
		(void)LLVMFuzzerTestOneInput(text, size);
	}
	free(text);
	return 0;
}
