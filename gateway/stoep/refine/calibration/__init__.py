"""What a reading is corrected by, and since when: calibrations of single sensors, and the dust's humidity.

Raw counts are never changed: a correction is a function of them, so one that is entered late is worth as much as one
that was there from the first day.
"""
