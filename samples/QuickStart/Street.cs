using System.Numerics;

namespace QuickStart;

/// <summary>One street: how it runs, what stands in it, when. Metres; the camera stands at x = 0, z = 0 and looks along z.</summary>
internal sealed class Street
{
    /// <summary>Where the street ends and the distant trees begin.</summary>
    public const float End = 120;

    private static readonly Vector3 Asphalt = Paint.Rgb(0x66676c);
    private static readonly Vector3 Marking = Paint.Rgb(0xe4e2d8);
    private static readonly Vector3 Slab = Paint.Rgb(0xb3aa9c);
    private static readonly Vector3 Kerb = Paint.Rgb(0xc9c5bb);
    private static readonly Vector3 Lawn = Paint.Rgb(0x6f9440);

    private readonly float _shift, _heading, _bend, _roadHalf, _pavement;
    private readonly int _seed;

    private Street(SplitMix64 random)
    {
        _shift = random.Between(-3.2f, -0.6f);
        _heading = random.Between(-0.13f, 0.13f);
        _bend = random.Between(-0.007f, 0.007f);
        _roadHalf = random.Between(4.4f, 5.4f);
        _pavement = random.Between(2.2f, 3.4f);
        _seed = (int)(random.Next() * 1e6f);
        EyeHeight = random.Between(2.3f, 3.4f);
        Horizon = random.Between(0.45f, 0.54f);
        Warmth = random.Next();
    }

    /// <summary>Height of the camera.</summary>
    public float EyeHeight { get; }

    /// <summary>Where the horizon lies, as a share of the picture's height from its top.</summary>
    public float Horizon { get; }

    /// <summary>0: noon, 1: late afternoon.</summary>
    public float Warmth { get; }

    public List<Shape> Shapes { get; } = [];

    public static Street Compose(SplitMix64 random)
    {
        var street = new Street(random);
        street.Build(-1, random);
        street.Build(1, random);
        street.Drive(random);
        return street;
    }

    /// <summary>What the ground shows at a place, and the light that it gives back.</summary>
    public (StreetClass Label, Vector3 Colour) Ground(float x, float z)
    {
        float aside = x - Middle(z), away = MathF.Abs(aside) - _roadHalf;
        float sharp = MathF.Exp(-z / 25);
        if (away < 0)
            return (StreetClass.Road, Road(aside, z, away, sharp));
        if (away < _pavement)
            return (StreetClass.Pavement, Pavement(aside, z, away, sharp));
        float blade = Noise.Fractal(x * 3, z * 1.5f, 3, _seed + 30), patch = Noise.Smooth(x * 0.5f, z * 0.3f, _seed + 40);
        return (StreetClass.Grass, Lawn * (0.5f + 0.7f * blade + 0.3f * patch));
    }

    private Vector3 Road(float aside, float z, float away, float sharp)
    {
        bool dash = MathF.Abs(aside) < 0.11f && (z / 6 - MathF.Floor(z / 6)) < 0.5f;
        if (dash || MathF.Abs(away + 0.4f) < 0.07f)
            return Marking;
        float grain = Noise.Fractal(aside * 9, z * 6, 2, _seed + 10) - 0.5f;
        float wear = Noise.Fractal(aside * 0.7f, z * 0.25f, 2, _seed + 20) - 0.5f;
        float track = MathF.Abs(MathF.Abs(MathF.Abs(aside) - 2.1f) - 0.8f) < 0.3f ? -0.08f : 0;
        return Asphalt * (1 + 0.9f * sharp * grain + 0.45f * wear + track);
    }

    private Vector3 Pavement(float aside, float z, float away, float sharp)
    {
        if (away < 0.28f)
            return Kerb;
        float u = away / 0.9f, v = z / 1.1f;
        int column = (int)MathF.Floor(u), row = (int)MathF.Floor(v);
        float joint = u - column < 0.09f || v - row < 0.1f ? 0.55f : 1;
        float tint = 0.84f + 0.32f * Noise.Cell(column + (aside < 0 ? 50 : 0), row, _seed);
        float grain = Noise.Smooth(aside * 6, z * 5, _seed + 50) - 0.5f;
        return Slab * float.Lerp(0.95f, joint * tint * (1 + 0.25f * grain), MathF.Min(1, 1.6f * sharp));
    }

    private float Middle(float z) => _shift + z * (_heading + z * _bend / 2);

    private float Slope(float z) => _heading + z * _bend;

    private Vector3 Place(float aside, float z) => new(Middle(z) + aside, 0, z);

    /// <summary>One side of the street: rows of houses, lawns and gaps, and before them lamps, trees and people.</summary>
    private void Build(int side, SplitMix64 random)
    {
        float front = _roadHalf + _pavement;
        float setback = random.Chance(0.45f) ? random.Between(2.5f, 4) : 0;
        bool park = random.Chance(0.18f);
        int storeys = 2 + (int)(4 * random.Next());
        for (float z = random.Between(3, 7); z < End;)
        {
            float length = random.Between(8, 14), middle = z + length / 2;
            storeys = 2 + (storeys - 1 + (int)(3 * random.Next())) % 4;
            if (park || random.Chance(0.12f))
                Grove(side, front, z, length, random);
            else
                AddHouse(side, front + setback, middle, length / 2, storeys, setback == 0 && storeys > 2, random);
            if (setback > 0 && !park)
                Shapes.Add(Trees.Hedge(Place(side * (front + 0.6f), middle), Slope(middle), length / 2 - 0.8f, 1.0f, random));
            z += length + (random.Chance(0.25f) ? 2.5f : 0);
        }

        float spacing = random.Between(13, 18);
        for (float z = random.Between(9, 16); z < 90; z += spacing)
        {
            Shapes.Add(Sidewalk.Lamp(Place(side * (_roadHalf + 0.5f), z), -side * 1.9f));
            if (random.Chance(0.55f))
                Shapes.Add(Trees.Tree(Place(side * (front - 0.7f), z + spacing / 2), random.Between(3.2f, 5), random));
        }
        for (int count = (int)(random.Next() * 4.5f); count > 0; count--)
        {
            float z = random.Between(8, 26);
            Vector3 where = Place(side * (_roadHalf + random.Between(0.8f, _pavement - 0.3f)), z);
            Shapes.Add(Sidewalk.Person(where, random.Between(1.6f, 1.85f), random.Chance(0.4f), random));
        }
    }

    private void AddHouse(int side, float aside, float z, float halfLength, int storeys, bool shop, SplitMix64 random)
    {
        const float halfWidth = 4.5f;
        Shapes.Add(Buildings.House(Place(side * (aside + halfWidth), z), Slope(z), halfWidth, halfLength, storeys, shop, random));
    }

    private void Grove(int side, float front, float z, float length, SplitMix64 random)
    {
        for (int i = 0; i < 3; i++)
        {
            Vector3 where = Place(side * (front + random.Between(1.5f, 9)), z + random.Next() * length);
            Shapes.Add(Trees.Tree(where, random.Between(3.5f, 6.5f), random));
        }
    }

    /// <summary>Traffic keeps right: cars ahead show their rear, oncoming ones their front.</summary>
    private void Drive(SplitMix64 random)
    {
        foreach (int side in new[] { -1, 1 })
        {
            bool parking = random.Chance(0.6f);
            for (float z = random.Between(9, 18); z < 80; z += random.Between(6.5f, 22))
            {
                if (parking && random.Chance(0.65f))
                    Park(side, side * (_roadHalf - 1.05f), z, random);
                else if (!parking && random.Chance(0.5f))
                    Park(side, side * 0.5f * _roadHalf, z, random);
            }
        }
    }

    private void Park(int side, float aside, float z, SplitMix64 random)
    {
        int kind = (int)(random.Next() * Cars.KindCount);
        Shapes.AddRange(Cars.Car(Place(aside, z), Slope(z), kind, towards: side < 0, random));
    }
}
