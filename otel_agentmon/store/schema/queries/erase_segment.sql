ALTER TABLE ${TABLE} DELETE WHERE SegmentNumber = {number:UInt64}
