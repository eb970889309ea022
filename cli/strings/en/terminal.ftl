# What the terminal chat says (interfaces, section 4).

## Days

weekday-mon = Mon
weekday-tue = Tue
weekday-wed = Wed
weekday-thu = Thu
weekday-fri = Fri
weekday-sat = Sat
weekday-sun = Sun
month-jan = Jan
month-feb = Feb
month-mar = Mar
month-apr = Apr
month-may = May
month-jun = Jun
month-jul = Jul
month-aug = Aug
month-sep = Sep
month-oct = Oct
month-nov = Nov
month-dec = Dec
day = { $weekday } { $day } { $month } { $year }
moment = { $weekday } { $day } { $month } { $clock }

## Talk

mark-waiting = waiting
mark-relayed = relayed
mark-received = received by { $count } of { $members }
wants-listen = wants: to be heard
wants-experience = wants: what others lived through
wants-advice = wants: advice
event-joined = { $name } joined.
event-left = { $name } left.
event-removed = { $name } was removed.
event-differs = { $name } sent different things to different people. All of it is shown.
event-exceeds = The program of { $name } changes keys more often than it may. It may be damaged, or changed by somebody.
event-newer = Made with a newer version.
gap-closed = What was missing is here now.
gap-asking = { $count ->
    [one] { $count } entry is missing.
   *[other] { $count } entries are missing.
}
gap-some-asking = Some entries are missing.
gap-asked = Asking { $who }.
gap-key-coming = { $count ->
    [one] { $count } entry is here. The key to read it is still to come.
   *[other] { $count } entries are here. The key to read them is still to come.
}
gap-some-key-coming = Some entries are here. The key to read them is still to come.
gap-before = { $count ->
    [one] { $count } entry was said before you came.
   *[other] { $count } entries were said before you came.
}
gap-some-before = Some entries were said before you came.
gap-forgotten = { $count ->
    [one] { $count } entry is not kept any more.
   *[other] { $count } entries are not kept any more.
}
gap-some-forgotten = Some entries are not kept any more.
gap-damaged = { $count ->
    [one] { $count } entry came damaged and cannot be read.
   *[other] { $count } entries came damaged and cannot be read.
}
gap-some-damaged = Some entries came damaged and cannot be read.
gap-newer = { $count ->
    [one] { $count } entry was made with a newer version.
   *[other] { $count } entries were made with a newer version.
}
gap-some-newer = Some entries were made with a newer version.
the-relay = the relay
relay-number = relay { $number }
list-and = { $first } and { $last }

## People

role-host = host
role-steward = steward
role-chair = chair
role-greeter = greeter
role-timekeeper = timekeeper
role-treasurer = treasurer
role-facilitator = facilitator
