#include "timestamp.h"

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
    size_t length = strlen(date);
    memcpy(text, date, length);
    if (now.tv_nsec != 0) {
        char *fraction = text + length;
        fraction[0] = '.';
        for (long rest = now.tv_nsec, digit = 9; digit > 0; digit--, rest /= 10)
            fraction[digit] = (char)('0' + rest % 10);
        length += 10;
        while (text[length - 1] == '0')
            length--;
    }
    text[length++] = 'Z';
    text[length] = 0;
    return length;
}
