/* Goes there, makes the socket and comes back. The monitor has one thread, so nobody sees it away. */
#include "netns.h"

#include <sched.h>
#include <sys/socket.h>

#include "sys.h"

int netns_socket(int process, int family, int type, int protocol)
{
    AUTO_CLOSE home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    if (home < 0 || setns(process, CLONE_NEWNET) < 0)
        return -1;
    AUTO_CLOSE made = socket(family, type | SOCK_CLOEXEC, protocol);
    int error = errno;
    if (setns(home, CLONE_NEWNET) < 0)
        abort(); /* cannot be: who may leave may return; going on in the container's namespace would be worse */
    errno = error;
    return take_fd(&made);
}
