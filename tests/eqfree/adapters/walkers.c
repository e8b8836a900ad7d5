/* Walkers whom the wind drives and who turn back home: a micro-simulator as anybody has one.
 *
 * dx = (wind - x) dt + sqrt(2) dW for each of 200, drawn exactly. The macro state is the mean of their positions and
 * the variance among them, over one less than their number: a request on the standard input, an answer on the output.
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WALKERS = 200 };
static uint64_t counter;

static double uniform(void) /* splitmix64, in (0, 1) */
{
    uint64_t z = (counter += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return ((double)((z ^ (z >> 31)) >> 12) + 0.5) / 4503599627370496.0;
}

static double normal(void) { return sqrt(-2 * log(uniform())) * cos(2 * M_PI * uniform()); }

static void summary(const double *x, double *mean, double *variance)
{
    *mean = *variance = 0;
    for (int i = 0; i < WALKERS; i++) *mean += x[i] / WALKERS;
    for (int i = 0; i < WALKERS; i++) *variance += (x[i] - *mean) * (x[i] - *mean) / (WALKERS - 1);
}

/* What stands behind a name; enough for requests that eqfree writes. */
static const char *after(const char *request, const char *name)
{
    const char *found = strstr(request, name);
    if (!found) fprintf(stderr, "no %s in the request\n", name), exit(2);
    return found + strlen(name);
}

static int numbers(const char *text, double *into, int count)
{
    char *end;
    for (int i = 0; i < count; i++, text = end) {
        text += strspn(text, "[], ");
        into[i] = strtod(text, &end);
        if (end == text) return i;
    }
    return count;
}

int main(void)
{
    static char request[1 << 20];
    double macro[2], duration, wind, x[WALKERS], mean, variance;
    request[fread(request, 1, sizeof request - 1, stdin)] = 0;
    numbers(after(request, "\"duration\":"), &duration, 1);
    numbers(after(request, "\"wind\":"), &wind, 1);
    if (!strstr(request, "\"positions\"")) { /* lift: drawn, then shifted and stretched to the macro state */
        if (numbers(after(request, "\"macro\":"), macro, 2) < 2 || macro[1] < 0)
            return fprintf(stderr, "a mean and a variance, please\n"), 3;
        counter = strtoull(after(request, "\"lift_seed\":"), NULL, 10);
        for (int i = 0; i < WALKERS; i++) x[i] = normal();
        summary(x, &mean, &variance);
        for (int i = 0; i < WALKERS; i++) x[i] = macro[0] + (x[i] - mean) * sqrt(macro[1] / variance);
    } else if (numbers(after(request, "\"positions\":"), x, WALKERS) < WALKERS)
        return fprintf(stderr, "walkers are missing\n"), 4;
    counter = strtoull(after(request, "\"seed\":"), NULL, 10);
    for (int i = 0; i < WALKERS; i++)
        x[i] = wind + (x[i] - wind) * exp(-duration) + sqrt(1 - exp(-2 * duration)) * normal();
    summary(x, &mean, &variance);
    printf("{\"macro\": [%.17g, %.17g], \"state\": {\"positions\": [", mean, variance);
    for (int i = 0; i < WALKERS; i++) printf("%s%.17g", i ? ", " : "", x[i]);
    printf("]}}\n");
    return 0;
}
