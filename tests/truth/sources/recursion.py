# Python calls itself: <module>, down 20 times, burn.
def burn():
    total = 0
    for i in range(100000):
        total = total * 31 + i & 0xFFFF
    return total


def down(depth):
    if depth <= 1:
        return burn() + 1
    return down(depth - 1) + 1


print('{"entry":0}', flush=True)
while True:
    down(20)
