#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    printf("hello from %s, uid %d\n", argc > 1 ? argv[1] : "nowhere", (int)getuid());
    return access("/bin/sh", F_OK) == 0; /* nothing but this program is in the image */
}
