using System.Numerics;

namespace QuickStart;

/// <summary>
/// Houses in rows. Whatever a house looks like follows from its outline: the number of storeys chooses the material,
/// the width the number of windows.
/// </summary>
internal static class Buildings
{
    private const float Storey = 3.1f;

    private static readonly Vector3 Glass = Paint.Rgb(0x35465a);
    private static readonly Vector3 GlassAbove = Paint.Rgb(0x9db6c9);
    private static readonly Vector3 Lamplight = Paint.Rgb(0xffd890);
    private static readonly Vector3 Frame = Paint.Rgb(0xe8e2d4);
    private static readonly Vector3 Tile = Paint.Rgb(0x9c4f38);
    private static readonly Vector3 Door = Paint.Rgb(0x4f3524);
    private static readonly Vector3 Awning = Paint.Rgb(0x2f6b4f);
    private static readonly Vector3 AwningStripe = Paint.Rgb(0xe9e4d2);

    /// <summary>A house of 2 to 5 storeys: its walls and, on houses of two, a tiled roof.</summary>
    public static Shape House(Vector3 origin, float slope, float halfWidth, float halfLength, int storeys, bool shop, SplitMix64 random)
    {
        float eaves = storeys * Storey + 0.5f;
        float ridge = eaves + 0.75f * halfWidth;
        int seed = (int)(random.Next() * 1e6f);
        float shade = random.Between(0.92f, 1.08f);
        (Vector3 wall, bool brick) = Material(storeys);
        Surface surface = (in Touch touch) => touch.Normal.Y > 0.1f
            ? Roof(touch, seed)
            : Wall(touch, halfWidth, halfLength, storeys, shop, brick, wall * shade, seed);

        List<Plane> planes = [.. Solid.Box(halfWidth, 0, storeys == 2 ? ridge : eaves, halfLength)];
        if (storeys == 2)
        {
            float rise = ridge - eaves;
            planes.Add(Solid.Facing(new(rise, halfWidth, 0), new(halfWidth, eaves, 0)));
            planes.Add(Solid.Facing(new(-rise, halfWidth, 0), new(-halfWidth, eaves, 0)));
        }
        float reach = new Vector3(halfWidth, ridge / 2, halfLength).Length();
        return new Solid(StreetClass.Building, origin, slope, ridge / 2, reach, surface, [.. planes]);
    }

    private static (Vector3 Colour, bool Brick) Material(int storeys) => storeys switch
    {
        2 => (Paint.Rgb(0xd9b98a), false),
        3 => (Paint.Rgb(0xb0603f), true),
        4 => (Paint.Rgb(0xc98a54), false),
        _ => (Paint.Rgb(0xa8765a), true),
    };

    private static Vector3 Roof(in Touch touch, int seed)
    {
        float row = touch.At.Y / 0.45f;
        float lip = row - MathF.Floor(row);
        float patch = Noise.Cell((int)MathF.Floor(touch.At.Z / 0.6f), (int)MathF.Floor(row), seed);
        return Tile * (0.7f + 0.35f * lip + 0.25f * (patch - 0.5f));
    }

    private static Vector3 Wall(
        in Touch touch, float halfWidth, float halfLength, int storeys, bool shop, bool brick, Vector3 colour, int seed)
    {
        bool side = MathF.Abs(touch.Normal.X) > 0.5f;
        float length = 2 * (side ? halfLength : halfWidth);
        float along = (side ? touch.At.Z : touch.At.X) + length / 2;
        float y = touch.At.Y;

        int columns = Math.Max(2, (int)MathF.Round(length / 2.5f));
        float column = along / length * columns;
        float floor = y / Storey;
        int window = (int)MathF.Floor(column), level = (int)MathF.Floor(floor);
        float u = column - window - 0.5f, v = floor - level;

        Vector3 masonry = Masonry(along, y, touch.Depth, brick, colour, seed);
        if (y > storeys * Storey)
            return storeys == 2 ? masonry : Frame * (y > storeys * Storey + 0.35f ? 0.95f : 0.7f);
        if (level == 0 && shop)
            return ShopFront(u, y, along, masonry);
        if (level == 0 && window == columns / 2 && MathF.Abs(u) < 0.24f && v < 0.72f)
            return Door;
        if (level > 0 && v < 0.06f)
            return masonry * 1.2f;
        return Window(u, v, window, level, masonry, seed);
    }

    private static Vector3 Window(float u, float v, int column, int level, Vector3 masonry, int seed)
    {
        const float left = 0.25f, bottom = 0.24f, top = 0.82f;
        float aside = MathF.Abs(u);
        if (aside > left + 0.06f || v < bottom - 0.06f || v > top + 0.05f)
            return masonry;
        if (v < bottom)
            return Frame;
        if (aside > left || v > top || aside < 0.02f)
            return Frame * 0.85f;
        if (Noise.Cell(column, level, seed) < 0.07f)
            return Lamplight * 1.1f;
        float reveal = v > top - 0.1f ? 0.5f : 1;
        return Vector3.Lerp(Glass, GlassAbove, (v - bottom) / (top - bottom) * 0.55f) * reveal;
    }

    private static Vector3 ShopFront(float u, float y, float along, Vector3 masonry)
    {
        if (y > 2.85f)
            return masonry * 0.9f;
        if (y > 2.1f)
            return (int)MathF.Floor(along / 0.5f) % 2 == 0 ? Awning : AwningStripe;
        if (y < 0.45f || MathF.Abs(u) > 0.4f)
            return masonry * 0.75f;
        if (MathF.Abs(u) > 0.37f || y < 0.52f)
            return Frame;
        return Vector3.Lerp(Lamplight * 0.9f, Glass, MathF.Min(1, 1.6f * MathF.Abs(y - 1.75f)));
    }

    private static Vector3 Masonry(float along, float y, float depth, bool brick, Vector3 colour, int seed)
    {
        float grime = Noise.Fractal(along * 0.6f, y * 0.6f, 3, seed);
        float weather = 0.8f + 0.2f * MathF.Min(1, y / 2.5f);
        Vector3 wall = colour * weather * (0.82f + 0.36f * grime);
        if (!brick)
            return wall;

        // Bricks are finer than pixels far away, where they blur into the wall's own colour.
        float sharp = MathF.Exp(-depth / 40);
        float course = y / 0.4f;
        int row = (int)MathF.Floor(course);
        float place = along / 0.9f + 0.5f * (row & 1);
        float joint = course - row < 0.18f || place - MathF.Floor(place) < 0.09f ? 1.35f : 1;
        float tint = 0.8f + 0.4f * Noise.Cell((int)MathF.Floor(place), row, seed + 7);
        return wall * float.Lerp(1, joint * tint, sharp);
    }
}
