#include "timestamp.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

size_t timestamp_now(char text[TIMESTAMP_BYTES])
{
    /* A log of many lines asks often within one second; only the fraction is printed anew then. */
    static time_t second = -1;
    static char date[24];
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now); /* always there */
    if (now.tv_sec != second) {
        struct tm parts;
        (void)gmtime_r(&now.tv_sec, &parts);
        (void)strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &parts);
        second = now.tv_sec;
    }
    char fraction[11] = ".000000000";
    for (long rest = now.tv_nsec, digit = 9; digit > 0; digit--, rest /= 10)
        fraction[digit] = (char)('0' + rest % 10);
    size_t length = 10;
    while (length > 1 && fraction[length - 1] == '0')
        length--;
    if (length == 1)
        length = 0;
    return (size_t)snprintf(text, TIMESTAMP_BYTES, "%s%.*sZ", date, (int)length, fraction);
}
