import re,subprocess,sys
f,thr,want=sys.argv[1],int(sys.argv[2]),sys.argv[3]
exe='/tmp/target-scratch/release/instructions'
counts={};addr=0;skip=False;ob=''
for l in open(f):
    l=l.strip()
    if l.startswith('ob='): ob=l
    if l.startswith('calls='): skip=True; continue
    m=re.match(r'(0x[0-9a-f]+|\+\d+|-\d+|\*) (\S+) (\d+)$',l)
    if m:
        a=m[1]
        if a.startswith('0x'): addr=int(a,16)
        elif a!='*': addr+=int(a)
        if skip: skip=False; continue
        counts[addr]=counts.get(addr,0)+int(m[3])
d=subprocess.run(['objdump','-d','--no-show-raw-insn','-C',exe],capture_output=True,text=True).stdout
on=False;tot=0
for l in d.splitlines():
    m=re.match(r'([0-9a-f]+) <(.*)>:',l)
    if m: on=want in m[2]
    m=re.match(r'\s+([0-9a-f]+):\s+(.*)',l)
    if m and on:
        a=int(m[1],16)
        c=max(counts.get(a,0),counts.get(a+0x400000,0),counts.get(a+0x108000,0))
        if c>=thr: print(f"{m[1]} {m[2]}"); tot+=c
print(tot/thr)
