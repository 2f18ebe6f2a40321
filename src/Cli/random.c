// .NET takes random bytes from /dev/urandom, which an empty root directory does not have. The linker puts this in its place (--wrap in Native.props);
// getrandom(2) needs no file.
#include <errno.h>
#include <stdint.h>
#include <sys/random.h>

int32_t __wrap_SystemNative_GetCryptographicallySecureRandomBytes(uint8_t *buffer, int32_t length);

int32_t __wrap_SystemNative_GetCryptographicallySecureRandomBytes(uint8_t *buffer, int32_t length)
{
    while (length > 0)
    {
        ssize_t got = getrandom(buffer, (size_t)length, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        buffer += got;
        length -= (int32_t)got;
    }
    return 0;
}
