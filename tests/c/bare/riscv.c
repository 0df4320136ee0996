/* Start of a program on the RISC-V machine `virt` of QEMU. */
int main(void);

__attribute__((naked, used, section(".start"))) void start(void)
{
    __asm volatile("la sp, stack_top\n"
                   ".option push\n"
                   ".option norelax\n"
                   "la gp, __global_pointer$\n"
                   ".option pop\n"
                   "call main\n"
                   "1: j 1b");
}
