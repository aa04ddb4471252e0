using System.Numerics;

namespace QuickStart;

/// <summary>Cars: the kind of car, which its outline shows, decides its colour.</summary>
internal static class Cars
{
    private static readonly Vector3 Glass = Paint.Rgb(0x1f2a35);
    private static readonly Vector3 GlassAbove = Paint.Rgb(0x8aa3b5);
    private static readonly Vector3 Rubber = Paint.Rgb(0x16161a);
    private static readonly Vector3 Rim = Paint.Rgb(0xa9abb0);
    private static readonly Vector3 Trim = Paint.Rgb(0x26282c);
    private static readonly Vector3 RearLight = Paint.Rgb(0xd81b12);
    private static readonly Vector3 Headlight = Paint.Rgb(0xfff6da);
    private static readonly Vector3 Plate = Paint.Rgb(0xe9e6da);

    private static readonly Kind[] Kinds =
    [
        new(HalfWidth: 0.86f, HalfLength: 1.85f, Waist: 0.92f, Top: 1.50f, Front: 0.5f, Rear: 1.75f, Paint.Rgb(0xb3261e)),
        new(HalfWidth: 0.90f, HalfLength: 2.25f, Waist: 0.95f, Top: 1.42f, Front: 0.8f, Rear: 1.55f, Paint.Rgb(0x9c2f26)),
        new(HalfWidth: 0.98f, HalfLength: 2.45f, Waist: 1.25f, Top: 2.15f, Front: 1.5f, Rear: 2.42f, Paint.Rgb(0xe6e6e2)),
    ];

    /// <summary>How many kinds of car there are.</summary>
    public static int KindCount => Kinds.Length;

    /// <summary>The body, the cabin and four wheels of one car; <paramref name="towards"/>: it faces the camera.</summary>
    public static IEnumerable<Shape> Car(Vector3 origin, float slope, int kind, bool towards, SplitMix64 random)
    {
        Kind car = Kinds[kind];
        float facing = towards ? -1 : 1;
        Vector3 paint = car.Paint * random.Between(0.9f, 1.1f);

        Surface body = (in Touch touch) => Body(touch, car, facing, paint);
        yield return new Solid(StreetClass.Car, origin, slope, 0.6f, car.HalfLength + 0.6f, body,
        [
            .. Solid.Box(car.HalfWidth, 0.28f, car.Waist, car.HalfLength),
            Solid.Facing(new(1, 0.6f, 0), new(car.HalfWidth, car.Waist - 0.16f, 0)),
            Solid.Facing(new(-1, 0.6f, 0), new(-car.HalfWidth, car.Waist - 0.16f, 0)),
            Solid.Facing(new(0, 1, facing * 0.12f), new(0, car.Waist - 0.14f, facing * car.HalfLength)),
        ]);

        Surface cabin = (in Touch touch) => Cabin(touch, car, paint);
        float lean = 0.55f;
        yield return new Solid(StreetClass.Car, origin, slope, car.Top / 2 + 0.3f, car.HalfLength + 0.3f, cabin,
        [
            .. Solid.Box(car.HalfWidth - 0.04f, car.Waist - 0.08f, car.Top, car.HalfLength),
            Solid.Facing(new(1, 0.32f, 0), new(car.HalfWidth - 0.06f, car.Waist, 0)),
            Solid.Facing(new(-1, 0.32f, 0), new(-car.HalfWidth + 0.06f, car.Waist, 0)),
            Solid.Facing(new(0, lean, facing * 0.62f), new(0, car.Waist, facing * car.Front)),
            Solid.Facing(new(0, 0.3f, -facing), new(0, car.Waist, -facing * car.Rear)),
        ]);

        foreach (float end in new[] { -1f, 1f })
        {
            float axle = end * (car.HalfLength - 0.75f);
            Surface wheel = (in Touch touch) => Wheel(touch, axle);
            yield return new Solid(StreetClass.Car, origin, slope, 0.33f, car.HalfLength + 0.3f, wheel,
                WheelPair(car.HalfWidth + 0.01f, axle));
        }
    }

    private static Vector3 Body(in Touch touch, Kind car, float facing, Vector3 paint)
    {
        float x = MathF.Abs(touch.At.X) / car.HalfWidth, y = (touch.At.Y - 0.28f) / (car.Waist - 0.28f);
        if (y < 0.16f)
            return Trim;
        if (MathF.Abs(touch.Normal.Z) < 0.7f)
            return MathF.Abs(MathF.Abs(touch.At.Z - 0.1f) - 0.55f) < 0.02f ? paint * 0.5f : paint * (0.75f + 0.35f * y);
        bool front = touch.Normal.Z * facing > 0;
        if (x > 0.62f && y is > 0.5f and < 0.86f)
            return front ? Headlight * 1.3f : RearLight * 1.2f;
        if (x < 0.3f && y is > 0.3f and < 0.52f)
            return Plate;
        if (front && x < 0.55f && y is > 0.52f and < 0.8f)
            return Trim;
        return paint * (0.65f + 0.4f * y);
    }

    private static Vector3 Cabin(in Touch touch, Kind car, Vector3 paint)
    {
        float y = (touch.At.Y - car.Waist) / (car.Top - car.Waist);
        if (touch.Normal.Y > 0.9f || y is < 0.1f or > 0.86f)
            return paint;
        bool side = MathF.Abs(touch.Normal.X) > 0.5f;
        float half = car.HalfWidth - 0.08f - 0.32f * (touch.At.Y - car.Waist);
        if (side ? MathF.Abs(touch.At.Z + 0.1f) < 0.07f : MathF.Abs(touch.At.X) > half - 0.09f)
            return paint;
        return Vector3.Lerp(Glass, GlassAbove, 0.75f * y * y);
    }

    private static Vector3 Wheel(in Touch touch, float axle)
    {
        float dz = touch.At.Z - axle, dy = touch.At.Y - 0.33f;
        bool hub = MathF.Abs(touch.Normal.X) > 0.5f && dz * dz + dy * dy < 0.2f * 0.2f;
        return hub ? Rim : Rubber;
    }

    /// <summary>Two wheels on one axle as one eight-sided bar: the body hides its middle.</summary>
    private static Plane[] WheelPair(float halfWidth, float axle)
    {
        var planes = new List<Plane> { new(1, 0, 0, halfWidth), new(-1, 0, 0, halfWidth) };
        for (int i = 0; i < 8; i++)
        {
            float angle = MathF.Tau * (i + 0.5f) / 8;
            var outward = new Vector3(0, MathF.Sin(angle), MathF.Cos(angle));
            planes.Add(new Plane(outward, 0.33f + Vector3.Dot(outward, new(0, 0.33f, axle))));
        }
        return [.. planes];
    }

    /// <summary>Sizes in metres; Front and Rear say how far from the middle the cabin reaches at the waist.</summary>
    private sealed record Kind(float HalfWidth, float HalfLength, float Waist, float Top, float Front, float Rear, Vector3 Paint);
}
